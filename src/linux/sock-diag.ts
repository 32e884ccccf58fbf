/** Questions to the kernel about sockets, and its answers, in structs (sock_diag(7), netlink(7)). */
import { Errno } from './errno.ts';
import { addressOf, close, syscall } from './libc.ts';
import { AF_NETLINK, MSG_DONTWAIT, SOCK_RAW } from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
/** sizeof(struct nlmsghdr); behind it lies struct nlmsgerr, or what the family says of a socket. */
const HEADER_SIZE = 16;
const ERROR = 16;
/** What one recvmsg(2) of a dump may bring (NLMSG_GOODSIZE is at most that). */
const REPLY_SIZE = 32_768;

/** States of sockets, as bits: connected, not connected, listening. */
export const State = { established: 1 << 1, close: 1 << 7, listen: 1 << 10 } as const;
export const ANY_STATE = 0xffff_ffff;
/** Whatever socket it is (INET_DIAG_NOCOOKIE). */
export const ANY_COOKIE = 0xffff_ffff_ffff_ffffn;

const reply = Buffer.from(new ArrayBuffer(REPLY_SIZE));
const replyAddress = Number(addressOf(reply));

/** A request of `size` bytes behind its header: the view is what to fill in. */
export function requestOf(size: number): Buffer {
  const request = Buffer.from(new ArrayBuffer(HEADER_SIZE + size));
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  return request.subarray(HEADER_SIZE);
}

/** What the kernel says of one socket: a view of memory that the next question uses. A negated error number where it says nothing. */
export function askOne(body: Buffer): Buffer | number {
  const socket = openDiagnostics();
  if (socket < 0) return socket;
  // The kernel has answered when the request is sent.
  const size = send(socket, body, 0) ? receive(socket) : -Errno.EAGAIN;
  close(socket);
  if (size < HEADER_SIZE + 4) return -Errno.EAGAIN;
  if (reply.readUInt16LE(4) === SOCK_DIAG_BY_FAMILY) return reply.subarray(HEADER_SIZE, size);
  const error = reply.readUInt16LE(4) === NLMSG_ERROR ? reply.readInt32LE(ERROR) : 0;
  return error < 0 ? error : -Errno.EAGAIN;
}

/**
 * Shows every socket that a question fits, until `visit` says true.
 * @returns false where the kernel does not tell, or not to the end
 */
export function askAll(body: Buffer, visit: (message: Buffer) => boolean): boolean {
  const socket = openDiagnostics();
  if (socket < 0) return false;
  const isComplete = send(socket, body, NLM_F_DUMP) && visitDump(socket, visit);
  close(socket);
  return isComplete;
}

function visitDump(socket: number, visit: (message: Buffer) => boolean): boolean {
  for (;;) {
    const size = receive(socket);
    if (size < HEADER_SIZE) return false;
    for (let at = 0; at + HEADER_SIZE <= size;) {
      const length = reply.readUInt32LE(at);
      const kind = reply.readUInt16LE(at + 4);
      if (kind === NLMSG_DONE) return reply.readInt32LE(at + HEADER_SIZE) >= 0;
      if (kind !== SOCK_DIAG_BY_FAMILY || length < HEADER_SIZE || at + length > size) return false;
      if (visit(reply.subarray(at + HEADER_SIZE, at + length))) return true;
      at += (length + 3) & ~3;
    }
  }
}

/** What a message says of a kind, behind its fixed part: a view of it; undefined where it says nothing. */
export function attributeOf(message: Buffer, fixed: number, kind: number): Buffer | undefined {
  for (let at = fixed; at + 4 <= message.length;) {
    const length = message.readUInt16LE(at);
    if (length < 4 || at + length > message.length) return undefined;
    if (message.readUInt16LE(at + 2) === kind) return message.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  return undefined;
}

function openDiagnostics(): number {
  return syscall(X86_64.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG, 0, 0, 0);
}

function send(socket: number, body: Buffer, flags: number): boolean {
  const request = Buffer.from(body.buffer, body.byteOffset - HEADER_SIZE, HEADER_SIZE + body.length);
  request.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  const address = addressOf(request);
  return syscall(X86_64.sendto, socket, address, request.length, MSG_DONTWAIT, 0, 0) === request.length;
}

function receive(socket: number): number {
  return syscall(X86_64.recvfrom, socket, replyAddress, REPLY_SIZE, MSG_DONTWAIT, 0, 0);
}
