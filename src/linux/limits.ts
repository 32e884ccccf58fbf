/** Limits of other processes (getrlimit(2), prlimit(2)). */
import { syscallMemory4 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const RLIMIT_FSIZE = 1;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** No file is larger. */
const LARGEST = 0x7fff_ffff_ffff_ffffn;

const limit = Buffer.from(new ArrayBuffer(16));

/** How large a process may make a file, in bytes: its soft RLIMIT_FSIZE, or 0 where it cannot be had. */
export function fileSizeLimit(tid: number): bigint {
  const result = syscallMemory4(X86_64.prlimit64, tid, RLIMIT_FSIZE, 0, limit, 0);
  if (result < 0) return 0n;
  const soft = limit.readBigUInt64LE(0);
  return soft === RLIM_INFINITY ? LARGEST : soft;
}
