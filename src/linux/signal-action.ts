/** The action of a signal, given back as it was: handlers that Node has installed are known by their struct only (sigaction(2)). */
import { syscallMemory23 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

/** struct sigaction as the kernel has it: handler, flags, restorer, mask. */
const SIZE = 32;
const SIGSET_SIZE = 8;

/** Does something while a signal has its default action. */
export function withDefaultAction(signal: number, act: () => void): void {
  const before = Buffer.alloc(SIZE);
  const unused = Buffer.alloc(SIZE);
  syscallMemory23(X86_64.rt_sigaction, signal, Buffer.alloc(SIZE), before, SIGSET_SIZE, 0);
  try {
    act();
  } finally {
    syscallMemory23(X86_64.rt_sigaction, signal, before, unused, SIGSET_SIZE, 0);
  }
}
