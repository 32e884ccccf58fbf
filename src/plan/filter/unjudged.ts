/**
 * Sockets without a judge of addresses. The filter sees no address, so it decides what sockets there may be: of those
 * that are left no call can reach what the policy closes.
 *
 * No Unix socket is made but as half of a connected pair of streams or packets: these have no way to another address
 * (unix(7): EISCONN), while a pair of datagram sockets has, by sendmsg(2) or a second connect(2). So sendmsg(2), which
 * programs need to pass descriptors to each other, may pass whatever its address is.
 */
import { Errno } from '../../linux/errno.ts';
import type { SyscallName } from '../../linux/syscalls.ts';
import { allow, and, errno, int, not, or, when, type Expression } from '../../seccomp/expression.ts';
import { socketRule } from './socket-rules.ts';
import type { Situation, UnjudgedSockets } from './situation.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_TYPE_MASK = 0xf;
const MSG_FASTOPEN = 0x2000_0000;

const refused = errno(Errno.EPERM);

/** What the filter says to a call on sockets, or undefined where the call is no such. */
export function unjudgedSocketCall(
  name: SyscallName,
  sockets: UnjudgedSockets,
  situation: Situation,
): Expression | undefined {
  const family = int(0);
  const made = situation.restrictsNetwork ? socketRule(name, refused, situation) : allow;
  const call: string = name;
  switch (call) {
    case 'socket': {
      const isStream = int(1).masked(SOCK_TYPE_MASK, SOCK_STREAM);
      const isDatagram = and(family.in([AF_INET, AF_INET6]), not(isStream));
      const closed = sockets === 'any' ? family.equals(AF_UNIX) : or(family.equals(AF_UNIX), isDatagram);
      return when(closed, refused, made);
    }
    case 'socketpair': {
      const stays = or(
        int(1).masked(SOCK_TYPE_MASK, SOCK_STREAM),
        int(1).masked(SOCK_TYPE_MASK, SOCK_SEQPACKET),
      );
      return when(family.equals(AF_UNIX), when(stays, allow, refused), made);
    }
    case 'connect':
      return sockets === 'none' ? refused : allow;
    case 'bind':
      return allow;
    case 'listen':
      return situation.restrictsListening === true ? refused : undefined;
    case 'sendto':
    case 'sendmmsg':
      return unlessFastOpen(3, sockets);
    case 'sendmsg':
      return unlessFastOpen(2, sockets);
    default:
      return undefined;
  }
}

/** MSG_FASTOPEN connects a stream that is not connected, past connect(2) and, before Linux 7.2, past Landlock. */
function unlessFastOpen(flags: number, sockets: UnjudgedSockets): Expression {
  return sockets === 'any' ? allow : when(int(flags).hasAny(MSG_FASTOPEN), refused, allow);
}
