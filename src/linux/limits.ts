/** Limits of other processes (getrlimit(2), prlimit(2)), and of this one. */
import { syscallMemory3, syscallMemory4 } from './libc.ts';
import { encodeLimit, type OpenFilesLimit } from './open-files.ts';
import { X86_64 } from './syscalls.ts';

export const RLIMIT_FSIZE = 1;
export const RLIMIT_MSGQUEUE = 12;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** No file is larger. */
const LARGEST = 0x7fff_ffff_ffff_ffffn;

const limit = Buffer.from(new ArrayBuffer(16));

/** A limit of a thread's process, 0 being this one's; undefined where it cannot be had. */
export function limitOf(tid: number, resource: number): OpenFilesLimit | undefined {
  const result = syscallMemory4(X86_64.prlimit64, tid, resource, 0, limit, 0);
  return result < 0 ? undefined : { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) };
}

/** Sets a limit of this process. 0, or a negated error number. */
export function setOwnLimit(resource: number, value: OpenFilesLimit): number {
  return syscallMemory3(X86_64.prlimit64, 0, resource, encodeLimit(value), 0, 0);
}

/** How large a process may make a file, in bytes: its soft RLIMIT_FSIZE, or 0 where it cannot be had. */
export function fileSizeLimit(tid: number): bigint {
  const soft = limitOf(tid, RLIMIT_FSIZE)?.soft ?? 0n;
  return soft === RLIM_INFINITY ? LARGEST : soft;
}

/**
 * Acts with the soft limit of a thread's process in place of our own, as far as our hard one goes; with none at all where that cannot
 * be had.
 */
export function underLimitOf<Result>(tid: number, resource: number, action: () => Result): Result {
  const own = limitOf(0, resource);
  const soft = limitOf(tid, resource)?.soft ?? 0n;
  if (own === undefined || own.soft === soft) return action();
  setOwnLimit(resource, { soft: soft < own.hard ? soft : own.hard, hard: own.hard });
  try {
    return action();
  } finally {
    setOwnLimit(resource, own);
  }
}
