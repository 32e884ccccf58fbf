/** A Unix socket that is listened on, and what comes by its connections, record by record (unix(7), SOCK_SEQPACKET). */
import { SyscallError } from './errno.ts';
import { addressOf, close, syscall, syscallMemory2 } from './libc.ts';
import { AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_SEQPACKET, SOL_SOCKET, bind, connect } from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const SOCK_NONBLOCK = 0x800;
const MSG_TRUNC = 0x20;
const SCM_RIGHTS = 1;
const BACKLOG = 128;
const HEADER_SIZE = 56;
const VECTOR_SIZE = 16;
const CMSG_HEADER = 16;

/** Binds and listens (close-on-exec, non-blocking). Throws a SyscallError. */
export function listenAt(path: Buffer): number {
  const socket = syscall(X86_64.socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
  if (socket < 0) throw new SyscallError('socket', -socket);
  const bound = bind(socket, addressOfPath(path));
  const result = bound < 0 ? bound : syscall(X86_64.listen, socket, BACKLOG, 0, 0, 0, 0);
  if (result >= 0) return socket;
  close(socket);
  throw new SyscallError(bound < 0 ? 'bind' : 'listen', -result);
}

/** Connects to who listens at a path (close-on-exec, blocking). A negated error number where nobody does. */
export function connectTo(path: Buffer): number {
  const socket = syscall(X86_64.socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, 0, 0, 0);
  if (socket < 0) return socket;
  const result = connect(socket, addressOfPath(path));
  if (result === 0) return socket;
  close(socket);
  return result;
}

function addressOfPath(path: Buffer): Buffer {
  return Buffer.concat([Buffer.from([AF_UNIX, 0]), path, Buffer.alloc(1)]);
}

/** The next connection (close-on-exec, non-blocking), or a negated error number: EAGAIN where there is none. */
export function accept(socket: number): number {
  return syscall(X86_64.accept4, socket, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0);
}

/** The next record, 'longer' than `most` bytes, or a negated error number. Empty: there will be none. */
export function receiveRecord(socket: number, most: number): Buffer | 'longer' | number {
  const record = Buffer.alloc(most);
  const size = syscallMemory2(X86_64.recvfrom, socket, record, most, MSG_DONTWAIT | MSG_TRUNC, 0);
  if (size < 0) return size;
  return size > most ? 'longer' : record.subarray(0, size);
}

/** Sends a record with descriptors (SCM_RIGHTS), without waiting. How many bytes it has, or a negated error number. */
export function sendRecord(socket: number, record: Buffer, descriptors: readonly number[]): number {
  // struct msghdr, struct iovec, struct cmsghdr with the descriptors.
  const message = Buffer.alloc(VECTOR_SIZE + HEADER_SIZE + CMSG_HEADER + 4 * descriptors.length + 4);
  const start = addressOf(message);
  const vector = HEADER_SIZE;
  const control = vector + VECTOR_SIZE;
  const size = CMSG_HEADER + 4 * descriptors.length;
  message.writeBigUInt64LE(addressOf(record), vector);
  message.writeBigUInt64LE(BigInt(record.length), vector + 8);
  message.writeBigUInt64LE(BigInt(size), control);
  message.writeInt32LE(SOL_SOCKET, control + 8);
  message.writeInt32LE(SCM_RIGHTS, control + 12);
  for (const [index, descriptor] of descriptors.entries())
    message.writeInt32LE(descriptor, control + CMSG_HEADER + 4 * index);
  message.writeBigUInt64LE(start + BigInt(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  if (descriptors.length > 0) {
    message.writeBigUInt64LE(start + BigInt(control), 32);
    message.writeBigUInt64LE(BigInt(size), 40);
  }
  const result = syscallMemory2(X86_64.sendmsg, socket, message, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
  // The record is kept alive until here: the message holds its address.
  return result < 0 ? result : record.length;
}
