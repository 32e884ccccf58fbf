/** Constants and calls for files: open(2), openat2(2), stat(2), statfs(2), proc(5). */
import { Errno } from './errno.ts';
import { looking } from './impersonation.ts';
import {
  close,
  fstatatText,
  openText,
  openat,
  readlinkText,
  readlinkat,
  syscallMemory2,
  syscallMemory23,
  pread,
} from './libc.ts';

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EACCESS = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;

export const O_ACCMODE = 0o3;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** The bit of O_TMPFILE that is not O_DIRECTORY. */
export const O_TMPFILE_BIT = 0o20000000;
/** An open with none of these bits changes nothing (access mode 3 asks for both rights, open(2) "NOTES"). */
export const O_WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE_BIT;
/** With one of these it may make a file. */
export const O_MAKING = O_CREAT | O_TMPFILE_BIT;

/** fcntl(2): a descriptor's status flags. */
export const F_GETFL = 3;
export const F_SETFL = 4;

export const S_IFMT = 0o170000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

export const F_OK = 0;
export const R_OK = 4;
export const W_OK = 2;
export const X_OK = 1;

export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

export const PATH_MAX = 4096;
export const PROC_SUPER_MAGIC = 0x9fa0;

const SYS_FSTAT = 5;
const SYS_FSTATFS = 138;
const SYS_NEWFSTATAT = 262;
const SYS_FACCESSAT = 269;
const SYS_OPENAT2 = 437;
const SYS_FACCESSAT2 = 439;

/** struct open_how of openat2(2): flags, mode, resolve, each 64 bits. */
const openHow = new Uint8Array(24);
const openHowView = new DataView(openHow.buffer);

/**
 * openat2(2) with O_CLOEXEC added.
 * @param path bytes that end in NUL
 * @returns a descriptor, or a negated error number
 */
export function openat2(
  directory: number,
  path: Uint8Array,
  flags: number,
  mode: number,
  resolve: number,
): number {
  openHowView.setUint32(0, (flags | O_CLOEXEC) >>> 0, true);
  openHowView.setUint32(8, mode, true);
  openHowView.setUint32(16, resolve, true);
  return syscallMemory23(SYS_OPENAT2, directory, path, openHow, openHow.length, 0);
}

/** The facts of a file that decisions need. */
export interface FileStatus {
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: number;
  readonly mode: number;
  readonly rawDevice: bigint;
  readonly owner: number;
  /** In bytes. */
  readonly size: bigint;
}

const statBuffer = new Uint8Array(144);
const statView = new DataView(statBuffer.buffer);

/** fstat(2), also on O_PATH descriptors. Returns a negated error number on failure. */
export function fstat(descriptor: number): FileStatus | number {
  const result = syscallMemory2(SYS_FSTAT, descriptor, statBuffer, 0, 0, 0);
  if (result < 0) return result;
  return {
    device: statView.getBigUint64(0, true),
    inode: statView.getBigUint64(8, true),
    links: Number(statView.getBigUint64(16, true)),
    mode: statView.getUint32(24, true),
    owner: statView.getUint32(28, true),
    rawDevice: statView.getBigUint64(40, true),
    size: statView.getBigInt64(48, true),
  };
}

/** The type and permission bits of an open file, or a negated error number; allocates nothing. */
export function fileMode(descriptor: number): number {
  const result = syscallMemory2(SYS_FSTAT, descriptor, statBuffer, 0, 0, 0);
  return result < 0 ? result : statView.getUint32(24, true);
}

/** The type and permission bits of what a path of our own making names, a link as itself; or a negated error number. */
export function linkMode(path: string): number {
  const result = fstatatText(SYS_NEWFSTATAT, AT_FDCWD, path, statBuffer, AT_SYMLINK_NOFOLLOW);
  return result < 0 ? result : statView.getUint32(24, true);
}

/** The size of what a path of our own making names; or a negated error number. */
export function sizeOf(path: string): number {
  const result = fstatatText(SYS_NEWFSTATAT, AT_FDCWD, path, statBuffer, 0);
  return result < 0 ? result : Number(statView.getBigInt64(48, true));
}

const statfsBuffer = new Uint8Array(120);
const statfsView = new DataView(statfsBuffer.buffer);

/** The magic number of the file system that holds an open file (statfs(2)), or a negated error number. */
export function fileSystemType(descriptor: number): number {
  const result = syscallMemory2(SYS_FSTATFS, descriptor, statfsBuffer, 0, 0, 0);
  return result < 0 ? result : statfsView.getUint32(0, true);
}

const EMPTY_PATH = new Uint8Array(1);

/** faccessat2(2) on an open file, with the effective ids. 0, or a negated error number. */
export function accessDescriptor(descriptor: number, mode: number): number {
  return syscallMemory2(SYS_FACCESSAT2, descriptor, EMPTY_PATH, mode, AT_EACCESS | AT_EMPTY_PATH, 0);
}

/** faccessat(2), with the real ids. 0, or a negated error number. */
export function accessPath(path: Uint8Array, mode: number): number {
  return syscallMemory2(SYS_FACCESSAT, AT_FDCWD, terminated(path), mode, 0, 0);
}

/** faccessat2(2), with the effective ids, by which files are opened. 0, or a negated error number. */
export function accessPathEffectively(path: Uint8Array, mode: number): number {
  return syscallMemory2(SYS_FACCESSAT2, AT_FDCWD, terminated(path), mode, AT_EACCESS, 0);
}

const linkBuffer = Buffer.alloc(PATH_MAX + 1);

/**
 * The path of an open file as the kernel names it now, in bytes, or a negated error number.
 * The result is a view of one shared buffer: copy it before the next call.
 */
export function pathOfDescriptor(descriptor: number): Buffer | number {
  const length = readlinkText(`/proc/self/fd/${descriptor}`, linkBuffer, linkBuffer.length);
  if (length < 0) return length;
  if (length >= linkBuffer.length) return -Errno.ENAMETOOLONG;
  return linkBuffer.subarray(0, length);
}

/** readlinkat(2): the text of a symbolic link, copied; the empty path means the descriptor itself. */
export function readLink(directory: number, path: Uint8Array): Buffer | number {
  const buffer = Buffer.alloc(PATH_MAX + 1);
  const length = readlinkat(directory, path, buffer, buffer.length);
  return length < 0 ? length : buffer.subarray(0, length);
}

/** The bytes of a path with the NUL that the kernel wants. */
export function terminated(path: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(path.length + 1);
  bytes.set(path);
  bytes[path.length] = 0;
  return bytes;
}

/** A text of this length may be the beginning of a longer one. */
export const PROC_TEXT_SIZE = 65536;
const procBuffer = Buffer.alloc(PROC_TEXT_SIZE);

/**
 * Reads a file of /proc that is a single record (status, stat, limits, fdinfo): the kernel gives such a one whole to a read(2)
 * with enough room (seq_file, single_open). Returns its text (latin1), or a negated error number.
 */
export function readProcText(path: string): string | number {
  const descriptor = openProcFile(path);
  if (descriptor < 0) return descriptor;
  const text = readProcFile(descriptor);
  close(descriptor);
  return text;
}

/** Opens a file of /proc for reading; of another user's process too, where only those may that trace it (proc(5), hidepid). */
export function openProcFile(path: string): number {
  const file = openText(AT_FDCWD, path, O_CLOEXEC, 0);
  return file < 0 ? looking(() => openText(AT_FDCWD, path, O_CLOEXEC, 0)) : file;
}

/** What such a file says now, from its beginning. */
export function readProcFile(descriptor: number): string | number {
  const count = pread(descriptor, procBuffer, procBuffer.length, 0);
  return count < 0 ? count : procBuffer.toString('latin1', 0, count);
}

/** Opens a path of our own making with O_PATH. */
export function openPathText(path: string, flags = 0): number {
  return openText(AT_FDCWD, path, O_PATH | O_CLOEXEC | flags, 0);
}

/** Opens a name in a directory with O_PATH; the name ends in NUL. */
export function openPath(directory: number, name: Uint8Array, flags = 0): number {
  return openat(directory, name, O_PATH | O_CLOEXEC | flags, 0);
}
