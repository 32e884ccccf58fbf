/**
 * Calls that an ignored signal has interrupted. An ignored signal is not even sent to a process, but it is to a tracee, for the
 * tracer to see, and ends waits that nothing begins again (signal(7)): EINTR, though no handler has run. They are begun again as the
 * kernel begins others: with the number that it keeps to itself for that, it does so unless a handler runs after all.
 *
 * When a call was first begun nobody knows, so its timeout begins anew. Further signals do not put it off for ever: the call is
 * followed to its end, and once its timeout has passed since the first signal it ends as if timed out.
 */
import { Errno } from '../../../linux/errno.ts';
import { readRegisters, Register, setReturn } from '../../../linux/ptrace.ts';
import { receiveTimeout, sendTimeout } from '../../../linux/sockets.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import { copyDescriptor } from '../../target/descriptor.ts';
import { isIgnored } from '../../target/pending-signal.ts';
import { arena, readMemory } from '../../target/target.ts';
import { closeLingering } from '../../watch.ts';

/** Begin the call again, or fail with EINTR if a handler runs (include/linux/errno.h). */
const ERESTARTNOHAND = 514;

/** Where the timeout of a call is found: milliseconds in a register, the address of a struct timespec, or a socket's own. */
interface Wait {
  readonly timeout: 'milliseconds' | 'timespec' | 'receive' | 'send' | 'none';
  readonly register: number;
  /** What the call returns when it has timed out. */
  readonly timedOut: number;
}

const wait = (timeout: Wait['timeout'], register: number, timedOut: number): Wait => ({
  timeout,
  register,
  timedOut,
});
const RECEIVE = wait('receive', Register.rdi, -Errno.EAGAIN);
const SEND = wait('send', Register.rdi, -Errno.EAGAIN);

/** Waits that have changed nothing when they end with EINTR. close(2), say, is none: it has closed. */
const WAITS: ReadonlyMap<number, Wait> = new Map([
  [X86_64.epoll_wait, wait('milliseconds', Register.r10, 0)],
  [X86_64.epoll_pwait, wait('milliseconds', Register.r10, 0)],
  [X86_64.epoll_pwait2, wait('timespec', Register.r10, 0)],
  [X86_64.rt_sigtimedwait, wait('timespec', Register.rdx, -Errno.EAGAIN)],
  [X86_64.semop, wait('none', Register.r10, -Errno.EAGAIN)],
  [X86_64.semtimedop, wait('timespec', Register.r10, -Errno.EAGAIN)],
  [X86_64.io_getevents, wait('timespec', Register.r8, 0)],
  [X86_64.io_pgetevents, wait('timespec', Register.r8, 0)],
  ...[X86_64.read, X86_64.readv, X86_64.recvfrom, X86_64.recvmsg, X86_64.recvmmsg].map(
    (number) => [number, RECEIVE] as const,
  ),
  ...[X86_64.write, X86_64.writev, X86_64.sendto, X86_64.sendmsg, X86_64.sendmmsg].map(
    (number) => [number, SEND] as const,
  ),
  [X86_64.accept, RECEIVE],
  [X86_64.accept4, RECEIVE],
]);

interface Followed {
  readonly instruction: bigint;
  /** Milliseconds on the clock of performance.now(): when its time is over. */
  readonly end: number;
  stage: 'to begin' | 'begun' | 'interrupted again';
}

const registers = arena(Register.size);
const timespec = arena(16);

export class InterruptedCalls {
  readonly #followed = new Map<number, Followed>();

  /**
   * At the stop in which a signal is to be delivered: lets the call that it has interrupted be begun again if the signal is
   * ignored. True: the thread's next stops at the beginning and the end of a call are to be told (`step`).
   */
  beginAgain(tid: number, signal: number): boolean {
    const known = this.#followed.get(tid);
    this.#followed.delete(tid);
    if (readRegisters(tid, registers.address) < 0) return false;
    const { bytes } = registers;
    const result = Number(bytes.readBigInt64LE(Register.rax));
    if (known?.stage === 'to begin' && result === -ERESTARTNOHAND && isIgnored(tid, signal)) {
      this.#followed.set(tid, known);
      return true;
    }
    if (result !== -Errno.EINTR) return false;
    // -1 where the thread was in no call.
    const call = WAITS.get(Number(bytes.readBigInt64LE(Register.originalRax)));
    if (call === undefined || !isIgnored(tid, signal)) return false;
    const instruction = bytes.readBigUInt64LE(Register.rip);
    const isSame = known?.stage === 'interrupted again' && known.instruction === instruction;
    const end = isSame ? known.end : performance.now() + timeoutOf(tid, call);
    if (performance.now() >= end) {
      setReturn(tid, call.timedOut);
      return false;
    }
    this.#followed.set(tid, { instruction, end, stage: 'to begin' });
    return setReturn(tid, -ERESTARTNOHAND) === 0;
  }

  /** At the beginning or the end of a call. True: the next one is to be told too. */
  step(tid: number): boolean {
    const call = this.#followed.get(tid);
    if (call?.stage === 'to begin') {
      call.stage = 'begun';
      return true;
    }
    const isInterrupted =
      call !== undefined &&
      readRegisters(tid, registers.address) >= 0 &&
      registers.bytes.readBigInt64LE(Register.rax) === BigInt(-Errno.EINTR);
    if (isInterrupted) call.stage = 'interrupted again';
    else this.#followed.delete(tid);
    return false;
  }

  /** The thread has ended, or does another program. */
  forget(tid: number): void {
    this.#followed.delete(tid);
  }
}

/** Milliseconds; no more than an estimate, since it lies in memory: what hangs on it is when the thread's own wait ends. */
function timeoutOf(tid: number, { timeout, register }: Wait): number {
  switch (timeout) {
    case 'none':
      return Number.POSITIVE_INFINITY;
    case 'receive':
      return ofSocket(tid, receiveTimeout);
    case 'send':
      return ofSocket(tid, sendTimeout);
    case 'milliseconds': {
      const milliseconds = registers.bytes.readInt32LE(register);
      return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
    }
    case 'timespec': {
      const address = Number(registers.bytes.readBigUInt64LE(register));
      if (address === 0) return Number.POSITIVE_INFINITY;
      if (readMemory(tid, address, timespec, 16) < 0) return 0;
      const { bytes } = timespec;
      return Number(bytes.readBigInt64LE(0)) * 1000 + Number(bytes.readBigInt64LE(8)) / 1e6;
    }
  }
}

function ofSocket(tid: number, timeout: (socket: number) => number): number {
  const copy = copyDescriptor(tid, registers.bytes.readInt32LE(Register.rdi));
  if (copy < 0) return Number.POSITIVE_INFINITY;
  const milliseconds = timeout(copy);
  closeLingering(copy);
  return milliseconds;
}
