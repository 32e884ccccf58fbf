/**
 * setsockopt(2) of what lets another socket have the same port (socket(7), SO_REUSEADDR, SO_REUSEPORT): performed, so that it comes neither
 * while a datagram is on its way to a socket that is held for that, nor to one that others are connected to.
 */
import { Errno } from '../../linux/errno.ts';
import { SOL_SOCKET, setIntegerOption, socketCookie } from '../../linux/sockets.ts';
import { SUCCESS, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { arena, readMemory } from '../target/target.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { SHARING } from './held-socket.ts';
import { closeSocket, openSocket, type TargetSocket } from './target-socket.ts';

const SIZE = 4;
const value = arena(SIZE);

/** True for the options that `setsockopt` answers. */
export function sharesPort(referral: Referral): boolean {
  return referral.int(1) === SOL_SOCKET && SHARING.includes(referral.int(2));
}

export const setsockopt: NetworkHandler = (referral, context) => {
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  const reply = share(referral, context, socket);
  closeSocket(socket);
  return reply;
};

function share(referral: Referral, { bound }: NetworkContext, { descriptor }: TargetSocket): Reply {
  if (referral.int(4) < SIZE) return fail(Errno.EINVAL);
  const result = readMemory(referral.tid, referral.pointer(3), value, SIZE);
  if (result < 0) return fail(-result);
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  const [option, to] = [referral.int(2), value.bytes.readInt32LE(0)];
  const cookie = socketCookie(descriptor);
  const held = typeof cookie === 'number' ? undefined : bound.associations.heldAs(cookie);
  if (held === undefined) return resultReply(setIntegerOption(descriptor, SOL_SOCKET, option, to));
  held.share(option, to !== 0);
  return SUCCESS;
}
