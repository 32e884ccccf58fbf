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
} as const;

/**
 * The kernel's own, never seen by programs (include/linux/errno.h, where the first of such numbers is this one): with a
 * signal pending it becomes EINTR, or the call begins again, as the handler asks for.
 */
export const ERESTARTSYS = 512;

declare const errnoBrand: unique symbol;

/** A positive error number, as `errno` holds it. */
export type Errno = number & { readonly [errnoBrand]?: true };

/** The symbolic name of an error number (`EPERM`), or `errno N` where Node knows none. */
export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}

/** The sentence that libc would print for an error number, as far as Node knows it. */
export function errnoMessage(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}

/** The limits that stand behind an error number of a start (getrlimit(2)), as a shell sets them. */
const LIMITS: ReadonlyMap<number, string> = new Map([
  [Errno.EMFILE, 'open files, ulimit -n'],
  [Errno.EAGAIN, 'processes, ulimit -u'],
  [Errno.EFBIG, 'file sizes, ulimit -f'],
  [Errno.ENOMEM, 'memory, ulimit -v'],
]);

/** What failed, why, and the limit to look at if that is one: `memfd_create: too many open files (EMFILE): see …`. */
export function failureText(step: string, errno: number): string {
  const isElse = errno === Errno.EAGAIN && !/spawn|clone/.test(step);
  const limit = isElse ? undefined : LIMITS.get(errno);
  const hint = limit === undefined ? '' : `: the limit may be too low (${limit})`;
  return `${step}: ${errnoMessage(errno)} (${errnoName(errno)})${hint}`;
}

/** A system call of our own that failed: which one, and how. */
export class SyscallError extends Error {
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(failureText(call, errno));
    this.name = 'SyscallError';
    this.call = call;
    this.errno = errno;
  }
}
