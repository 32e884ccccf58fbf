/**
 * System calls that a tracee makes for its tracer, in place of the one that it stands in.
 *
 * The thread is held by the hand from the first call to the last: its signals are blocked, and nobody else's stop is taken
 * meanwhile. The first call takes the place of the one that was referred, and no instruction of the thread's is executed for
 * it. For the others the thread executes the `syscall` instruction once more, in memory that is the target's: another thread may
 * have written over it, an abort handler (rseq(2)) may lead elsewhere. So each stop is compared with what was set up: the
 * kind of stop, number, arguments, instruction and stack pointer. Where anything differs no call is made, and the process ends.
 */
import { Errno } from '../../../linux/errno.ts';
import { kill, poll, syscall } from '../../../linux/libc.ts';
import {
  detach,
  Event,
  PTRACE_SYSCALL_INFO_ENTRY,
  PTRACE_SYSCALL_INFO_EXIT,
  PTRACE_SYSCALL_INFO_SECCOMP,
  readRegisters,
  readSignalMask,
  Register,
  requestStop,
  resume,
  resumeToSyscall,
  setResult,
  skipSyscall,
  SyscallInfo,
  syscallInfo,
  writeRegisters,
  writeSignalMask,
} from '../../../linux/ptrace.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import {
  isStopped,
  stopEvent,
  stopSignal,
  waitStatus,
  waitTracee,
  WNOHANG,
} from '../../../linux/wait-tracees.ts';
import { isZombie } from '../../processes/processes.ts';
import { arena, readMemory } from '../../target/target.ts';

const SIGKILL = 9;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
/** The instruction `syscall`, behind which a thread stands in a call. */
const SYSCALL_INSTRUCTION = 0x050f;
const SYSCALL_INSTRUCTION_LENGTH = 2;
/** Looks for the thread's stop: first without giving up the CPU for long, then once a millisecond. */
const QUICK_LOOKS = 2000;
const MOST_LOOKS = QUICK_LOOKS + 2000;
/** How many milliseconds stops of others' making, as of SIGCONT again and again, may keep a thread from the one that was set up. */
const LONGEST_STORM = 1000;

const ARGUMENTS = [Register.rdi, Register.rsi, Register.rdx, Register.r10, Register.r8, Register.r9];

const saved = arena(Register.size);
const changed = arena(Register.size);
const mask = arena(8);
const blocked = arena(8);
blocked.bytes.fill(0xff, 0, 8);
const code = arena(8);
/** What the kernel says of a stop, and what it has to say: struct ptrace_syscall_info. */
const found = arena(SyscallInfo.size);
const expected = arena(SyscallInfo.size);

/** The thread has ended, or was not to be brought to its next stop. */
export const GONE: number = -Errno.ESRCH;

/** What the injector cannot settle itself. */
export interface Elsewhere {
  /** A status of the thread that belongs to no injected call, its end above all. */
  handle(tid: number, status: number): void;
  /** The thread's process was killed while it stood in the call of this number, and why. */
  killed(tid: number, number: number, why: string): void;
}

export class Injector {
  readonly #elsewhere: Elsewhere;
  #tid = 0;
  #number = 0;
  #first = true;
  #groupStopped = false;
  /** When the first of others' stops came, in the calls for this thread. */
  #stormSince: number | undefined;

  constructor(elsewhere: Elsewhere) {
    this.#elsewhere = elsewhere;
  }

  /**
   * Takes a thread that stands at PTRACE_EVENT_SECCOMP. 0, or a negated error number: then nothing is changed. `GONE`: it does
   * not stand there any more.
   */
  begin(tid: number): number {
    return this.#take(tid) ? this.#hold() : GONE;
  }

  /**
   * The same for a thread that was seized and asked to stop while it waited in a call, and has its answer: it stops on its way back.
   * It is let go by `leave`.
   * @param number that call's
   */
  beginReturning(tid: number, number: number): number {
    this.#forget(tid);
    this.#first = false;
    this.#number = number;
    const status = this.#nextStatus();
    if (status === undefined) return GONE;
    if (!isStopped(status)) {
      this.#elsewhere.handle(tid, status);
      return GONE;
    }
    // Nothing else comes first; and what stands where nobody knows must not go on.
    if (stopEvent(status) !== Event.stop) this.#giveUp();
    return syscallInfo(tid, expected.address) < 0 ? GONE : this.#hold();
  }

  #hold(): number {
    const tid = this.#tid;
    const read = readRegisters(tid, saved.address);
    if (read < 0) return read;
    const instruction = Number(saved.bytes.readBigUInt64LE(Register.rip)) - SYSCALL_INSTRUCTION_LENGTH;
    const result = readMemory(tid, instruction, code, SYSCALL_INSTRUCTION_LENGTH);
    if (result < 0) return result;
    if (code.bytes.readUInt16LE(0) !== SYSCALL_INSTRUCTION) return -Errno.EPERM;
    const hasMask = readSignalMask(tid, mask.address);
    return hasMask < 0 ? hasMask : writeSignalMask(tid, blocked.address);
  }

  /**
   * Skips the call that a thread stands in and lets it fail with one of the numbers that the kernel keeps to itself, which
   * make it begin the call again, or end it with EINTR, as the handler of the signal that comes next would have it.
   */
  interrupt(tid: number, number: number, errno: number): boolean {
    if (!this.#take(tid) || skipSyscall(tid, -errno) < 0 || !this.#reach(PTRACE_SYSCALL_INFO_EXIT))
      return false;
    // Only at its end may the call have its number back: before, it would be made.
    return setResult(tid, number, -errno) === 0 && this.#letGo();
  }

  /** Makes the thread do a system call. Its result, or `GONE`. */
  call(number: number, ...args: readonly (number | bigint)[]): number {
    saved.bytes.copy(changed.bytes, 0, 0, Register.size);
    for (const [index, argument] of args.entries()) {
      changed.bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(argument)), ARGUMENTS[index] ?? Register.rdi);
    }
    if (this.#first) {
      changed.bytes.writeBigInt64LE(BigInt(number), Register.originalRax);
    } else {
      const rip = saved.bytes.readBigUInt64LE(Register.rip) - BigInt(SYSCALL_INSTRUCTION_LENGTH);
      changed.bytes.writeBigUInt64LE(rip, Register.rip);
      changed.bytes.writeBigInt64LE(BigInt(number), Register.rax);
      changed.bytes.writeBigInt64LE(-1n, Register.originalRax);
    }
    this.#expect(number);
    if (writeRegisters(this.#tid, changed.address) < 0) return GONE;
    // Where the thread stands in a call already, the next stop is that call's end; else it is the beginning.
    if (!this.#first && !this.#reach(PTRACE_SYSCALL_INFO_ENTRY)) return GONE;
    this.#first = false;
    if (!this.#reach(PTRACE_SYSCALL_INFO_EXIT)) return GONE;
    return Number(found.bytes.readBigInt64LE(SyscallInfo.result));
  }

  /** Lets the thread go on as if the call that it once made had returned this. */
  end(result: number): boolean {
    return this.#restore(result) && this.#letGo();
  }

  /** The same, and traces it no more. The kernel itself stops it again where its process has been stopped. */
  leave(result: number): boolean {
    return this.#restore(result) && detach(this.#tid) === 0;
  }

  #restore(result: number): boolean {
    saved.bytes.writeBigInt64LE(BigInt(result), Register.rax);
    saved.bytes.writeBigInt64LE(-1n, Register.originalRax);
    writeSignalMask(this.#tid, mask.address);
    return writeRegisters(this.#tid, saved.address) === 0;
  }

  #forget(tid: number): void {
    this.#tid = tid;
    this.#groupStopped = false;
    this.#stormSince = undefined;
  }

  /** False where the thread does not stand in a referred call. */
  #take(tid: number): boolean {
    this.#forget(tid);
    this.#first = true;
    if (syscallInfo(tid, expected.address) < 0) return false;
    this.#number = expected.bytes.readInt32LE(SyscallInfo.number);
    return expected.bytes[SyscallInfo.kind] === PTRACE_SYSCALL_INFO_SECCOMP;
  }

  /** All that stops have in common is as it was at the first. */
  #expect(number: number): void {
    expected.bytes.writeBigInt64LE(BigInt(number), SyscallInfo.number);
    for (const [index, register] of ARGUMENTS.entries()) {
      changed.bytes.copy(expected.bytes, SyscallInfo.args + 8 * index, register, register + 8);
    }
  }

  /** Whether the thread stands where it was sent to. */
  #isAt(kind: number): boolean {
    if (syscallInfo(this.#tid, found.address) < 0 || found.bytes[SyscallInfo.kind] !== kind) return false;
    // The end of a call tells neither its number nor its arguments: those were compared at its beginning.
    const end = kind === PTRACE_SYSCALL_INFO_EXIT ? SyscallInfo.number : SyscallInfo.argsEnd;
    const begin = SyscallInfo.architecture;
    return found.bytes.compare(expected.bytes, begin, end, begin, end) === 0;
  }

  /** Resumes the thread until it stops at the beginning or the end of the call that was set up. */
  #reach(kind: number): boolean {
    for (let delivered = 0, stops = 0; ; stops += 1) {
      if (stops > 0 && this.#isLong()) return this.#giveUp();
      if (resumeToSyscall(this.#tid, delivered) < 0) return false;
      delivered = 0;
      const status = this.#nextStatus();
      if (status === undefined) return false;
      const event = stopEvent(status);
      // At its end, or because execve(2) of another thread has taken its number along with everything else.
      if (!isStopped(status) || event === Event.exec) {
        this.#elsewhere.handle(this.#tid, status);
        return false;
      }
      const signal = stopSignal(status);
      if (signal === SYSCALL_STOP) return this.#isAt(kind) || this.#distrust();
      // A thread whose process has been stopped goes on until the end.
      if (event === Event.stop) this.#groupStopped ||= signal !== SIGTRAP;
      // SIGSTOP, which nothing blocks: only the kernel can tell whether SIGCONT has come since.
      else if (event === 0) delivered = signal;
      // The filter refers this one too: it has been judged with the call that it is made for.
      else if (event !== Event.seccomp || this.#first || !this.#isAt(PTRACE_SYSCALL_INFO_SECCOMP))
        return this.#distrust();
    }
  }

  /** No call is made, and nothing that shares the thread's process does anything more. */
  #distrust(): false {
    // Else it was killed while it stood, with its process or by the execve(2) of another thread, and makes no call any more.
    if (skipSyscall(this.#tid, -Errno.EPERM) < 0) return false;
    return this.#kill('it changed its code while a call was made in its name');
  }

  #isLong(): boolean {
    const now = performance.now();
    this.#stormSince ??= now;
    return now - this.#stormSince > LONGEST_STORM;
  }

  #giveUp(): false {
    return this.#kill('it did not come back from a call made in its name');
  }

  #kill(why: string): false {
    kill(this.#tid, SIGKILL);
    this.#elsewhere.killed(this.#tid, this.#number, why);
    return false;
  }

  /**
   * Undefined where the thread runs no more and its end is told later: that of a process's first thread only when the others
   * are reaped, which is the loop's to do.
   */
  #nextStatus(): number | undefined {
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const result = waitTracee(this.#tid, WNOHANG);
      if (result > 0) return waitStatus();
      if (result < 0 && result !== -Errno.EINTR) return SIGKILL;
      if (looks < QUICK_LOOKS) {
        syscall(X86_64.sched_yield, 0, 0, 0, 0, 0, 0);
      } else {
        if (isZombie(this.#tid)) return undefined;
        poll(null, 0, 1);
      }
    }
    this.#giveUp();
    return undefined;
  }

  /** Where its process has been stopped the thread stops again, unless the process goes on already. */
  #letGo(): boolean {
    if (this.#groupStopped) requestStop(this.#tid);
    return resume(this.#tid, 0) === 0;
  }
}
