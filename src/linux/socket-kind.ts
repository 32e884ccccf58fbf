/** What a descriptor is as a socket (socket(7)). */
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;

const value = Buffer.from(new ArrayBuffer(128));
const length = Buffer.from(new ArrayBuffer(8));

/** 'stream' where data goes to the peer alone, else 'datagram'; a negated error number: ENOTSOCK, EBADF. */
export function socketKind(descriptor: number): 'stream' | 'datagram' | number {
  length.writeUInt32LE(4);
  const [to, size] = [addressOf(value), addressOf(length)];
  const result = syscall(X86_64.getsockopt, descriptor, SOL_SOCKET, SO_TYPE, to, size, 0);
  if (result < 0) return result;
  const type = value.readUInt32LE(0);
  return type === SOCK_STREAM || type === SOCK_SEQPACKET ? 'stream' : 'datagram';
}

/** True where the socket is connected (getpeername(2)). */
export function hasPeer(descriptor: number): boolean {
  length.writeUInt32LE(value.length);
  return syscall(X86_64.getpeername, descriptor, addressOf(value), addressOf(length), 0, 0, 0) >= 0;
}
