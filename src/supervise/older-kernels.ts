/**
 * What older kernels answer where newer ones do more. The kernel itself is asked, once for each question and never by its
 * version, with arguments that nothing can come of.
 */
import { Errno } from '../linux/errno.ts';
import { AT_EMPTY_PATH } from '../linux/files.ts';
import { linkat, syscall } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';

/** A kernel without these calls cannot run the supervisor. */
const NEWEST_NEEDED = X86_64.faccessat2;
const NO_PATH = new Uint8Array(1);

const missing = new Map<number, boolean>();
let needsCapability: boolean | undefined;

/** Whether there may be kernels that run the supervisor and lack this call. */
export function mayBeMissing(number: number): boolean {
  return number > NEWEST_NEEDED;
}

/** Whether this kernel lacks a call. Only for calls that change files by descriptor or path: they get neither. */
export function isMissing(number: number): boolean {
  let result = missing.get(number);
  if (result === undefined) {
    result = syscall(number, -1, 0, 0, 0, 0, 0) === -Errno.ENOSYS;
    missing.set(number, result);
  }
  return result;
}

/**
 * Whether linkat(2) answers AT_EMPTY_PATH with ENOENT, whatever the names, where the caller lacks CAP_DAC_READ_SEARCH,
 * which the supervisor always lacks. Elsewhere the descriptors that nothing has are the error.
 */
export function emptyPathNeedsCapability(): boolean {
  needsCapability ??= linkat(-1, NO_PATH, -1, NO_PATH, AT_EMPTY_PATH) === -Errno.ENOENT;
  return needsCapability;
}
