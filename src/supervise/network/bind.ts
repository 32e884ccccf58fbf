/** bind(2), performed on the target's socket. Addresses of hosts are allowed unless listening is restricted; a Unix path makes a file. */
import { AF_UNIX, UNIX_PATH_OFFSET, UNIX_PATH_SIZE, bind as bindOurs } from '../../linux/sockets.ts';
import { Errno } from '../../linux/errno.ts';
import { unixName } from '../../judge/destination.ts';
import { trustedStatus, untrusted } from '../context.ts';
import { fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { noteName } from './autobind.ts';
import { bindPath } from './bind-path.ts';
import { addListener, markListener } from './loopback.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { refusedBind } from './listening.ts';
import { bindDatagram, notesPorts } from './datagrams.ts';
import type { Owner } from './datagram-sockets.ts';
import {
  closeSocket,
  isDatagram,
  isTcp,
  openSocket,
  readAddress,
  type TargetSocket,
} from './target-socket.ts';

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
  if (status === undefined) return untrusted(referral, context, 'bind');
  const refusal = refusedBind(referral, context, socket, address);
  if (refusal !== undefined) return refusal;
  if (socket.kind.domain !== AF_UNIX) {
    // Who answers there would say himself which addresses an allowed name has.
    if (!context.network.anyAddress && context.names?.isResolverOfThisHost(address) === true)
      return fail(Errno.EADDRINUSE);
    const owner = { tid: referral.tid, descriptor: referral.int(0) };
    return resultReply(bindInternet(context, socket, owner, address));
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

function bindInternet(context: NetworkContext, socket: TargetSocket, owner: Owner, address: Buffer): number {
  const notes = notesPorts(context);
  if (isDatagram(socket) && notes) return bindDatagram(context, socket, owner, address);
  const result = bindOurs(socket.descriptor, address);
  if (result !== 0 || !notes || !isTcp(socket)) return result;
  // Who is only watched keeps all options as they are.
  if (!context.network.anyAddress) markListener(socket);
  addListener(context.bound, socket);
  return result;
}

/** All else makes no file: an abstract name, a name of the kernel's choice, or an address that is none. */
function hasPath(address: Buffer): boolean {
  if (address.length <= UNIX_PATH_OFFSET || address.length > UNIX_PATH_OFFSET + UNIX_PATH_SIZE) return false;
  return address.readUInt16LE(0) === AF_UNIX && address[UNIX_PATH_OFFSET] !== 0;
}
