/** Signals that wait for a moment (rt_sigprocmask(2)); those of the calling thread, which is the main one. */
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const SIG_SETMASK = 2;
const SIGSET_SIZE = 8;

const all = Buffer.from(new ArrayBuffer(SIGSET_SIZE)).fill(0xff);
const allAddress = Number(addressOf(all));
const before = Buffer.from(new ArrayBuffer(SIGSET_SIZE));
const beforeAddress = Number(addressOf(before));

/** Holds up every signal that can be, until `releaseSignals`. Not to be nested. */
export function holdSignals(): void {
  syscall(X86_64.rt_sigprocmask, SIG_SETMASK, allAddress, beforeAddress, SIGSET_SIZE, 0, 0);
}

export function releaseSignals(): void {
  syscall(X86_64.rt_sigprocmask, SIG_SETMASK, beforeAddress, 0, SIGSET_SIZE, 0, 0);
}
