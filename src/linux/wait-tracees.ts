/** wait4(2) for a tracer: children of every kind, and the stops that ptrace(2) reports. */
import { Errno, SyscallError } from './errno.ts';
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export const WNOHANG = 1;
const WUNTRACED = 2;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const __WALL = 0x4000_0000;
const __WCLONE = 0x8000_0000;
const P_ALL = 0;

const memory = Buffer.from(new ArrayBuffer(8));
const view = new DataView(memory.buffer);
const address = addressOf(memory);

/**
 * Waits for a change of one child or tracee, or of any (-1). Returns its number, 0 where WNOHANG found nothing, or a
 * negated error number; `waitStatus` then says what has changed.
 */
export function waitTracee(tid: number, options = 0): number {
  return syscall(X86_64.wait4, tid, address, options | WUNTRACED | __WALL, 0, 0, 0);
}

/**
 * Whether this thread traces anybody who is not yet reaped: the kernel's own word, which no number that is used again confuses.
 * Of those who are not traced __WCLONE counts none but children of clone(2) that end without SIGCHLD (waitid(2)).
 * Throws a SyscallError where the system lets nobody ask: no end would ever be seen.
 */
export function hasTracees(): boolean {
  const options = WEXITED | WUNTRACED | WNOHANG | WNOWAIT | __WCLONE;
  const result = syscall(X86_64.waitid, P_ALL, 0, 0, options, 0, 0);
  if (result < 0 && result !== -Errno.ECHILD && result !== -Errno.EINTR)
    throw new SyscallError('waitid', -result);
  return result !== -Errno.ECHILD;
}

/** The status of the last `waitTracee` that found something. */
export function waitStatus(): number {
  return view.getUint32(0, true);
}

export function isStopped(status: number): boolean {
  return (status & 0xff) === 0x7f;
}

/** The signal of a stop, and with PTRACE_O_TRACESYSGOOD bit 7 for a stop at a system call. */
export function stopSignal(status: number): number {
  return (status >>> 8) & 0xff;
}

/** PTRACE_EVENT_* of a stop; 0: none. */
export function stopEvent(status: number): number {
  return status >>> 16;
}

/** How a process ended, where it did not stop: the code of its exit, or the signal that ended it. */
export function endOf(
  status: number,
): { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'signal'; readonly signal: number } {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exit', code: (status >>> 8) & 0xff } : { kind: 'signal', signal };
}
