/** bind(2), performed on the target's socket. Addresses of hosts are all allowed; a Unix path makes a file. */
import { Errno } from '../../linux/errno.ts';
import { AF_UNIX, UNIX_PATH_OFFSET, UNIX_PATH_SIZE, bind as bindOurs } from '../../linux/sockets.ts';
import { unixName } from '../../judge/destination.ts';
import { trustedStatus } from '../context.ts';
import { fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { noteName } from './autobind.ts';
import { bindPath } from './bind-path.ts';
import { noteListener } from './loopback.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { closeSocket, openSocket, readAddress, type TargetSocket } from './target-socket.ts';

export const bind: NetworkHandler = (referral, context) => {
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  const reply = bindSocket(referral, context, socket);
  closeSocket(socket);
  return reply;
};

function bindSocket(referral: Referral, context: NetworkContext, socket: TargetSocket): Reply {
  const address = readAddress(referral.tid, referral.pointer(1), referral.int(2));
  if (typeof address === 'number') return fail(-address);
  const status = trustedStatus(referral, context);
  if (status === undefined) return fail(Errno.EPERM);
  if (socket.kind.domain !== AF_UNIX) {
    const result = bindOurs(socket.descriptor, address);
    if (result === 0 && !context.network.anyAddress) noteListener(context.bound, socket);
    return resultReply(result);
  }
  if (hasPath(address)) {
    const name = unixName(address);
    if (name.kind === 'unix-path')
      return bindPath({ referral, context, socket, address, path: name.path, umask: status.umask });
  }
  const result = bindOurs(socket.descriptor, address);
  if (result === 0) noteName(context.bound, socket, { tid: referral.tid, descriptor: referral.int(0) });
  return resultReply(result);
}

/** All else makes no file: an abstract name, a name of the kernel's choice, or an address that is none. */
function hasPath(address: Buffer): boolean {
  if (address.length <= UNIX_PATH_OFFSET || address.length > UNIX_PATH_OFFSET + UNIX_PATH_SIZE) return false;
  return address.readUInt16LE(0) === AF_UNIX && address[UNIX_PATH_OFFSET] !== 0;
}
