/** The clock by which /proc/PID/stat says when a process started (proc(5), clock_gettime(2)). */
import { SyscallError } from './errno.ts';
import { syscallMemory2 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const CLOCK_BOOTTIME = 7;
/** USER_HZ: what /proc counts in, whatever the kernel does itself. */
const TICKS_PER_SECOND = 100n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

const result = Buffer.alloc(16);

/** Clock ticks since the boot: whoever starts from now on has no lower number. Throws a SyscallError. */
export function bootTicks(): number {
  const failed = syscallMemory2(X86_64.clock_gettime, CLOCK_BOOTTIME, result, 0, 0, 0);
  if (failed < 0) throw new SyscallError('clock_gettime', -failed);
  const nanoseconds = result.readBigInt64LE(0) * NANOSECONDS_PER_SECOND + result.readBigInt64LE(8);
  return Number((nanoseconds * TICKS_PER_SECOND) / NANOSECONDS_PER_SECOND);
}
