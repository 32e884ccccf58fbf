/** Limits of other processes (getrlimit(2), prlimit(2)), and of this one. */
import { Errno } from './errno.ts';
import { readProcText } from './files.ts';
import { addressOf, syscall, syscallMemory3, syscallMemory4 } from './libc.ts';
import { RLIMIT_NOFILE, encodeLimit, type OpenFilesLimit } from './open-files.ts';
import { X86_64 } from './syscalls.ts';

export const RLIMIT_FSIZE = 1;
export const RLIMIT_MSGQUEUE = 12;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** No file is larger. */
const LARGEST = 0x7fff_ffff_ffff_ffffn;

const limit = Buffer.from(new ArrayBuffer(16));

/** What those limits are called that are asked about in others (proc(5), /proc/PID/limits). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [RLIMIT_FSIZE, 'Max file size'],
  [RLIMIT_NOFILE, 'Max open files'],
]);

/** A limit of a thread's process, 0 being this one's; undefined where it cannot be had. */
export function limitOf(tid: number, resource: number): OpenFilesLimit | undefined {
  const result = syscallMemory4(X86_64.prlimit64, tid, resource, 0, limit, 0);
  if (result === -Errno.EPERM) return limitTold(tid, resource);
  return result < 0 ? undefined : { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) };
}

/** Of one whose real, effective and saved ids differ: prlimit(2) wants all of them to be the caller's. */
function limitTold(tid: number, resource: number): OpenFilesLimit | undefined {
  const text = readProcText(`/proc/${tid}/limits`);
  const name = NAMES.get(resource);
  if (typeof text === 'number' || name === undefined) return undefined;
  const match = new RegExp(`^${name} +(\\d+|unlimited) +(\\d+|unlimited) `, 'm').exec(text);
  const [soft, hard] = [match?.[1], match?.[2]].map((word) =>
    word === undefined ? undefined : word === 'unlimited' ? RLIM_INFINITY : BigInt(word),
  );
  return soft === undefined || hard === undefined ? undefined : { soft, hard };
}

const wanted = Buffer.from(new ArrayBuffer(16));
const previous = Buffer.from(new ArrayBuffer(16));

/** Sets a limit of a thread's process, and tells which it was; undefined where it may not be set. */
export function exchangeLimit(
  tid: number,
  resource: number,
  value: OpenFilesLimit,
): OpenFilesLimit | undefined {
  encodeLimit(value).copy(wanted);
  const result = syscall(X86_64.prlimit64, tid, resource, addressOf(wanted), addressOf(previous), 0, 0);
  if (result < 0) return undefined;
  return { soft: previous.readBigUInt64LE(0), hard: previous.readBigUInt64LE(8) };
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
