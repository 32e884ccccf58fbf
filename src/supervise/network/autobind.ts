/** Unix sockets that get an abstract name without asking for it (unix(7), "Autobind feature"). */
import {
  SOCK_DGRAM,
  SO_PASSCRED,
  UNIX_PATH_OFFSET,
  localAddress,
  socketOption,
} from '../../linux/sockets.ts';
import type { BoundSockets } from './bound-sockets.ts';
import type { Owner } from './datagram-sockets.ts';
import type { TargetSocket } from './target-socket.ts';

/** After a connect or send: others may answer to the name that the kernel may have given the socket. */
export function noteAutobind(bound: BoundSockets, socket: TargetSocket): void {
  if (socket.kind.type === SOCK_DGRAM && socketOption(socket.descriptor, SO_PASSCRED) > 0)
    noteName(bound, socket);
}

/** After a bind: remembers the abstract name of a socket, if that is what it has. */
export function noteName(bound: BoundSockets, socket: TargetSocket, owner?: Owner): void {
  const address = localAddress(socket.descriptor);
  if (typeof address === 'number' || address.length <= UNIX_PATH_OFFSET) return;
  if (address[UNIX_PATH_OFFSET] !== 0) return;
  const name = Buffer.from(address.subarray(UNIX_PATH_OFFSET + 1));
  if (!bound.hasName(socket.kind.type, name)) bound.addName(socket.kind.type, name, socket.descriptor, owner);
}
