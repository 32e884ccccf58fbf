/** The limit of core dumps (getrlimit(2), RLIMIT_CORE; core(5)). */
import { Errno } from './errno.ts';
import { encodeLimit } from './open-files.ts';
import { syscallMemory3 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export const RLIMIT_CORE = 4;

/**
 * Too little for a file, as 0 is, and the one limit with which the kernel starts no program either (coredump_pipe() in
 * fs/coredump.c): with 0 it does.
 */
export const NO_CORE = { soft: 1n, hard: 1n };

/**
 * This process dumps no core from here on. 0, or a negated error number; a hard limit of 0 cannot be raised by everybody, and
 * stays, which is no error.
 */
export function dumpNoCore(): number {
  const result = syscallMemory3(X86_64.prlimit64, 0, RLIMIT_CORE, encodeLimit(NO_CORE), 0, 0);
  return result === -Errno.EPERM ? 0 : result;
}
