/** Which file a Unix socket is bound to: the kernel's own word (sock_diag(7), "UNIX domain sockets"). */
import { Errno } from './errno.ts';
import { readProcText } from './files.ts';
import { addressOf, close, syscall } from './libc.ts';
import { AF_NETLINK, AF_UNIX, MSG_DONTWAIT, SOCK_RAW } from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
/** In struct nlmsgerr, behind struct nlmsghdr. */
const ERROR_OFFSET = 16;
/** Equal to no number, itself neither: what could not be found out is no match. */
const FAILED = Number.NaN;
const NLM_F_REQUEST = 1;
const UDIAG_SHOW_VFS = 2;
const UNIX_DIAG_VFS = 1;
/** struct nlmsghdr and struct unix_diag_req. */
const REQUEST_SIZE = 40;
/** Behind struct nlmsghdr and struct unix_diag_msg. */
const ATTRIBUTE_OFFSET = 32;

const request = Buffer.from(new ArrayBuffer(REQUEST_SIZE));
const requestAddress = Number(addressOf(request));
const reply = Buffer.from(new ArrayBuffer(256));
const replyAddress = Number(addressOf(reply));

/**
 * The low 32 bits of the inode number, as fdinfo names it, of the file that a Unix socket is bound to; undefined where
 * the kernel does not tell (no CONFIG_UNIX_DIAG), NaN where asking failed.
 * @param inode the socket's own, of fstat(2)
 */
export function boundInode(inode: bigint): number | undefined {
  const socket = syscall(X86_64.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG, 0, 0, 0);
  if (socket < 0) return socket === -Errno.EPROTONOSUPPORT ? undefined : FAILED;
  const size = ask(socket, Number(BigInt.asUintN(32, inode)));
  close(socket);
  const type = size < ERROR_OFFSET + 4 ? undefined : reply.readUInt16LE(4);
  if (type === NLMSG_ERROR && reply.readInt32LE(ERROR_OFFSET) === -Errno.ENOENT) return undefined;
  if (type !== SOCK_DIAG_BY_FAMILY || size < ATTRIBUTE_OFFSET + 8) return FAILED;
  const isFile = reply.readUInt16LE(ATTRIBUTE_OFFSET + 2) === UNIX_DIAG_VFS;
  return isFile ? reply.readUInt32LE(ATTRIBUTE_OFFSET + 4) : FAILED;
}

/** The kernel has answered when the request is sent. */
function ask(socket: number, inode: number): number {
  request.fill(0);
  request.writeUInt32LE(REQUEST_SIZE, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST, 6);
  request[16] = AF_UNIX;
  request.writeUInt32LE(0xffff_ffff, 20);
  request.writeUInt32LE(inode, 24);
  request.writeUInt32LE(UDIAG_SHOW_VFS, 28);
  // No cookie: whatever socket has the number.
  request.fill(0xff, 32);
  const sent = syscall(X86_64.sendto, socket, requestAddress, REQUEST_SIZE, MSG_DONTWAIT, 0, 0);
  if (sent < 0) return sent;
  return syscall(X86_64.recvfrom, socket, replyAddress, reply.length, MSG_DONTWAIT, 0, 0);
}

/** The inode number that the kernel itself has for an open file: that of stat(2) can be another (overlayfs, btrfs). Undefined before Linux 5.14. */
export function innerInode(descriptor: number): number | undefined {
  const text = readProcText(`/proc/self/fdinfo/${descriptor}`);
  if (typeof text === 'number') return FAILED;
  const found = /^ino:\s*(\d+)$/m.exec(text);
  return found?.[1] === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(found[1])));
}
