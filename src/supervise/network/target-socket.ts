/** A target's socket and the address of a call on it, copied once. */
import { Errno } from '../../linux/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  IPPROTO_UDP,
  LONGEST_ADDRESS,
  SOCK_STREAM,
  SO_LINGER,
  localAddress,
  socketKind,
  socketOption,
  type SocketKind,
} from '../../linux/sockets.ts';
import { close } from '../../linux/libc.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { arena, readMemory } from '../target/target.ts';
import { closeLingering } from '../watch.ts';

/** Our copy of the descriptor; whoever got it closes it, by `closeSocket`. */
export interface TargetSocket {
  readonly descriptor: number;
  readonly kind: SocketKind;
}

const bytes = arena(LONGEST_ADDRESS);

/** Copies a target's socket. Returns a negated error number where it has none there: EBADF, ENOTSOCK. */
export function openSocket(tid: number, descriptor: number): TargetSocket | number {
  const copy = copyDescriptor(tid, descriptor);
  if (copy < 0) return copy;
  const kind = socketKind(copy);
  if (typeof kind !== 'number') return { descriptor: copy, kind };
  closeLingering(copy);
  return kind;
}

export function closeSocket({ descriptor, kind }: TargetSocket): void {
  const isConnection = kind.type === SOCK_STREAM && kind.domain !== AF_UNIX;
  if (isConnection && socketOption(descriptor, SO_LINGER) > 0) closeLingering(descriptor);
  else close(descriptor);
}

/** A UDP socket. */
export function isDatagram({ kind: { domain, protocol } }: TargetSocket): boolean {
  return (domain === AF_INET || domain === AF_INET6) && protocol === IPPROTO_UDP;
}

/** A TCP socket. */
export function isTcp({ kind: { domain, protocol } }: TargetSocket): boolean {
  return (domain === AF_INET || domain === AF_INET6) && protocol === IPPROTO_TCP;
}

/** Whether a socket of these has a port. */
export function hasPort({ descriptor }: TargetSocket): boolean {
  const local = localAddress(descriptor);
  return typeof local !== 'number' && local.length >= 4 && local.readUInt16BE(2) !== 0;
}

/** Copies a struct sockaddr. Returns a negated error number as the kernel would: EINVAL, EFAULT. */
export function readAddress(tid: number, address: number, length: number): Buffer | number {
  if (length < 0 || length > LONGEST_ADDRESS) return -Errno.EINVAL;
  const result = readMemory(tid, address, bytes, length);
  return result < 0 ? result : Buffer.from(bytes.bytes.subarray(0, length));
}
