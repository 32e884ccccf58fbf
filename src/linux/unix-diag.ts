/**
 * What the kernel itself says of Unix sockets (sock_diag(7), "UNIX domain sockets"): in structs, while the lines of
 * /proc/net/unix hold names, and a name holds what bytes its owner likes, line breaks too.
 */
import { Errno } from './errno.ts';
import { readProcText } from './files.ts';
import { addressOf, close, syscall } from './libc.ts';
import { AF_NETLINK, AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, SOCK_RAW } from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
/** Whatever socket has the number (INET_DIAG_NOCOOKIE). */
const ANY_COOKIE = 0xffff_ffff_ffff_ffffn;
/** The answer also says: the name, the file. */
const Show = { name: 1, file: 2 } as const;
const Attribute = { name: 0, file: 1 } as const;
/** States that a socket can be in, as bits: connected, not connected, listening. */
const State = { established: 1 << 1, close: 1 << 7, listen: 1 << 10 } as const;
const ANY_STATE = 0xffff_ffff;

/** Where things lie in a message: struct nlmsghdr, and behind it struct nlmsgerr or struct unix_diag_msg. */
const HEADER_SIZE = 16;
const ERROR = 16;
const TYPE = 17;
const ATTRIBUTES = 32;
/** struct nlmsghdr and struct unix_diag_req. */
const REQUEST_SIZE = 40;
/** What one recvmsg(2) of a dump may bring (NLMSG_GOODSIZE is at most that). */
const REPLY_SIZE = 32_768;

const request = Buffer.from(new ArrayBuffer(REQUEST_SIZE));
const requestAddress = Number(addressOf(request));
const reply = Buffer.from(new ArrayBuffer(REPLY_SIZE));
const replyAddress = Number(addressOf(reply));

/** Equal to no number, itself neither: what could not be found out is no match. */
const FAILED = Number.NaN;

/**
 * The low 32 bits of the inode number, as fdinfo names it, of the file that a Unix socket is bound to; undefined where
 * the kernel does not tell (no CONFIG_UNIX_DIAG), NaN where asking failed.
 * @param inode the socket's own, of fstat(2)
 */
export function boundInode(inode: bigint): number | undefined {
  const size = askOne(inode, ANY_COOKIE, Show.file);
  // The socket is there, so it is the family that nobody tells of.
  if (size === -Errno.ENOENT || size === -Errno.EPROTONOSUPPORT) return undefined;
  const file = size < 0 ? undefined : attribute(0, size, Attribute.file);
  return file === undefined || file.length < 4 ? FAILED : file.readUInt32LE(0);
}

/**
 * Whether a Unix socket is still there, bound to what it was bound to.
 * @param inode of fstat(2)
 * @param cookie which no other socket ever gets (socket(7), SO_COOKIE)
 */
export function socketLife(inode: bigint, cookie: bigint): 'alive' | 'gone' | 'unknown' {
  const size = askOne(inode, cookie, 0);
  if (size >= 0) return 'alive';
  // ESTALE: another socket has the inode number by now.
  return size === -Errno.ENOENT || size === -Errno.ESTALE ? 'gone' : 'unknown';
}

/**
 * Whether a socket of this type could be reached by an abstract name: a stream listens, a datagram socket has it. True
 * also where the kernel does not tell.
 * @param name without the leading NUL
 */
export function hasReachable(type: number, name: Uint8Array): boolean {
  // Connections that were accepted have the name too.
  const states = type === SOCK_DGRAM ? State.close | State.established : State.listen;
  const wanted = Buffer.concat([Buffer.alloc(1), name]);
  const socket = openDiagnostics();
  if (socket < 0) return true;
  const found = sendRequest(socket, 0n, 0n, Show.name, states, NLM_F_DUMP) && isInDump(socket, type, wanted);
  close(socket);
  return found;
}

/** Goes through the parts of a dump, which ends with NLMSG_DONE; an error counts as found. */
function isInDump(socket: number, type: number, name: Buffer): boolean {
  for (;;) {
    const size = receive(socket);
    if (size < HEADER_SIZE) return true;
    for (let at = 0; at + HEADER_SIZE <= size;) {
      const length = reply.readUInt32LE(at);
      const kind = reply.readUInt16LE(at + 4);
      if (kind === NLMSG_DONE) return false;
      if (kind !== SOCK_DIAG_BY_FAMILY || length < HEADER_SIZE || at + length > size) return true;
      const isSameType = reply[at + TYPE] === type;
      if (isSameType && attribute(at, at + length, Attribute.name)?.equals(name) === true) return true;
      at += (length + 3) & ~3;
    }
  }
}

/** Asks about one socket; the answer is in `reply` then. Its size, or a negated error number. */
function askOne(inode: bigint, cookie: bigint, show: number): number {
  const socket = openDiagnostics();
  if (socket < 0) return socket;
  const sent = sendRequest(socket, inode, cookie, show, ANY_STATE, 0);
  // The kernel has answered when the request is sent.
  const size = sent ? receive(socket) : -Errno.EAGAIN;
  close(socket);
  if (size < HEADER_SIZE + 4) return -Errno.EAGAIN;
  if (reply.readUInt16LE(4) === SOCK_DIAG_BY_FAMILY) return size;
  const error = reply.readUInt16LE(4) === NLMSG_ERROR ? reply.readInt32LE(ERROR) : 0;
  return error < 0 ? error : -Errno.EAGAIN;
}

function openDiagnostics(): number {
  return syscall(X86_64.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG, 0, 0, 0);
}

function sendRequest(
  socket: number,
  inode: bigint,
  cookie: bigint,
  show: number,
  states: number,
  flags: number,
): boolean {
  request.fill(0);
  request.writeUInt32LE(REQUEST_SIZE, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  request[HEADER_SIZE] = AF_UNIX;
  request.writeUInt32LE(states >>> 0, 20);
  request.writeUInt32LE(Number(BigInt.asUintN(32, inode)), 24);
  request.writeUInt32LE(show, 28);
  request.writeBigUInt64LE(cookie, 32);
  return syscall(X86_64.sendto, socket, requestAddress, REQUEST_SIZE, MSG_DONTWAIT, 0, 0) === REQUEST_SIZE;
}

function receive(socket: number): number {
  return syscall(X86_64.recvfrom, socket, replyAddress, REPLY_SIZE, MSG_DONTWAIT, 0, 0);
}

/** What a message that begins at `start` says of a kind: a view of `reply`; undefined where it says nothing. */
function attribute(start: number, end: number, kind: number): Buffer | undefined {
  for (let at = start + ATTRIBUTES; at + 4 <= end;) {
    const length = reply.readUInt16LE(at);
    if (length < 4 || at + length > end) return undefined;
    if (reply.readUInt16LE(at + 2) === kind) return reply.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** The inode number that the kernel itself has for an open file: that of stat(2) can be another (overlayfs, btrfs). Undefined before Linux 5.14. */
export function innerInode(descriptor: number): number | undefined {
  const text = readProcText(`/proc/self/fdinfo/${descriptor}`);
  if (typeof text === 'number') return FAILED;
  const found = /^ino:\s*(\d+)$/m.exec(text);
  return found?.[1] === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(found[1])));
}
