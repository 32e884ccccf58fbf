/**
 * Error numbers of Linux on x86-64 and aarch64 (errno(3), include/uapi/asm-generic/errno*.h).
 * Only those that the program names; `errnoName` knows them all.
 */
import { getSystemErrorMap } from 'node:util';

export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
} as const;

/**
 * The kernel's own, never seen by programs (include/linux/errno.h, where the first of such numbers is this one): with a
 * signal pending it becomes EINTR, or the call begins again, as the handler asks for.
 */
export const ERESTARTSYS = 512;

declare const errnoBrand: unique symbol;

/** A positive error number, as `errno` holds it. */
export type Errno = number & { readonly [errnoBrand]?: true };

/** libc's sentences for numbers that Node has none for, and that files, processes or sockets can come to. */
const MESSAGES: Readonly<Record<number, string>> = {
  [Errno.ENOEXEC]: 'exec format error',
  [Errno.ECHILD]: 'no child processes',
  15: 'block device required',
  33: 'numerical argument out of domain',
  35: 'resource deadlock would occur',
  37: 'no locks available',
  43: 'identifier removed',
  62: 'timer expired',
  74: 'bad message',
  87: 'too many users',
  102: 'network dropped connection on reset',
  109: 'too many references: cannot splice',
  [Errno.EINPROGRESS]: 'operation in progress',
  116: 'stale file handle',
  117: 'structure needs cleaning',
  122: 'disk quota exceeded',
  123: 'no medium found',
};

/** The symbolic name of an error number (`EPERM`), or `errno N` where Node knows none. */
export function errnoName(errno: number): string {
  const known = getSystemErrorMap().get(-errno)?.[0];
  if (known !== undefined) return known;
  const { constants } = process.getBuiltinModule('node:os');
  const other = Object.entries(constants.errno).find(([, number]) => number === errno);
  return other?.[0] ?? `errno ${errno}`;
}

/** The sentence that libc would print for an error number. */
export function errnoMessage(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? MESSAGES[errno] ?? `unknown error ${errno}`;
}

const NOT_HERE = 'this kernel, or the container that this runs in, does not let us: see secfilt --probe';

/** What a person can do where a system call of secfilt's own has failed. */
const REMEDIES: Readonly<Record<number, string>> = {
  [Errno.EPERM]: NOT_HERE,
  [Errno.EACCES]: NOT_HERE,
  [Errno.ENOSYS]: NOT_HERE,
  [Errno.EAGAIN]: 'too many processes: raise the limit (ulimit -u, or that of the service or container)',
  [Errno.ENOMEM]: 'memory is short or limited (ulimit -v, or that of the service or container)',
  [Errno.EMFILE]: 'too few descriptors: raise the limit (ulimit -n)',
  [Errno.EFBIG]: 'files may not become large enough: raise the limit (ulimit -f)',
  [Errno.ENFILE]: 'the machine has no open files left (sysctl fs.file-max)',
};

/** What a person can do about such an error of a step, or undefined where only the error itself can be told. */
export function errnoRemedy(step: string, errno: number): string | undefined {
  const isElse = errno === Errno.EAGAIN && !/spawn|clone/.test(step);
  return isElse ? undefined : REMEDIES[errno];
}

/** A system call of our own that failed: which one, how, and what that means or what to do. */
export class SyscallError extends Error {
  readonly call: string;
  readonly errno: number;

  /** @param hint undefined: what there is to say of any such error */
  constructor(call: string, errno: number, hint: string | undefined = errnoRemedy(call, errno)) {
    const rest = hint === undefined ? '' : `; ${hint}`;
    super(`${call}: ${errnoMessage(errno)} (${errnoName(errno)})${rest}`);
    this.name = 'SyscallError';
    this.call = call;
    this.errno = errno;
  }
}
