/**
 * System calls that a tracee makes for its tracer, in place of the one that it stands in.
 *
 * The thread is held by the hand from the first call to the last: its signals are blocked, and nobody else's stop is taken
 * meanwhile. What other threads do to its memory or code can only spoil a result that is their own; a thread that does not
 * come back is killed.
 */
import { Errno } from '../../linux/errno.ts';
import { kill, poll, syscall } from '../../linux/libc.ts';
import {
  Event,
  readRegisters,
  readSignalMask,
  Register,
  requestStop,
  resume,
  resumeToSyscall,
  setResult,
  skipSyscall,
  writeRegisters,
  writeSignalMask,
} from '../../linux/ptrace.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import {
  isStopped,
  stopEvent,
  stopSignal,
  waitStatus,
  waitTracee,
  WNOHANG,
} from '../../linux/wait-tracees.ts';
import { arena, readMemory } from '../target.ts';

const SIGKILL = 9;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
/** The instruction `syscall`, behind which a thread stands in a call. */
const SYSCALL_INSTRUCTION = 0x050f;
const SYSCALL_INSTRUCTION_LENGTH = 2;
/** Looks for the thread's stop: first without giving up the CPU for long, then once a millisecond. */
const QUICK_LOOKS = 2000;
const MOST_LOOKS = QUICK_LOOKS + 5000;

const ARGUMENTS = [Register.rdi, Register.rsi, Register.rdx, Register.r10, Register.r8, Register.r9];

const saved = arena(Register.size);
const changed = arena(Register.size);
const mask = arena(8);
const blocked = arena(8);
blocked.bytes.fill(0xff, 0, 8);
const code = arena(8);

/** The thread has ended, or was not to be brought to its next stop. */
export const GONE: number = -Errno.ESRCH;

export class Injector {
  readonly #elsewhere: (tid: number, status: number) => void;
  #tid = 0;
  #first = true;
  #groupStopped = false;

  /** @param elsewhere takes a status of the thread that belongs to no injected call, its end above all */
  constructor(elsewhere: (tid: number, status: number) => void) {
    this.#elsewhere = elsewhere;
  }

  /** Takes a thread that stands at PTRACE_EVENT_SECCOMP. 0, or a negated error number: then nothing is changed. */
  begin(tid: number): number {
    this.#tid = tid;
    this.#first = true;
    this.#groupStopped = false;
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
    this.#tid = tid;
    this.#groupStopped = false;
    if (skipSyscall(tid, -errno) < 0 || !this.#toSyscallStop()) return false;
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
    if (writeRegisters(this.#tid, changed.address) < 0) return GONE;
    // Where the thread stands in a call already, the next stop is that call's end; else it is the beginning.
    if (!this.#first && !this.#toSyscallStop()) return GONE;
    this.#first = false;
    if (!this.#toSyscallStop() || readRegisters(this.#tid, changed.address) < 0) return GONE;
    return Number(changed.bytes.readBigInt64LE(Register.rax));
  }

  /** Lets the thread go on as if the call that it once made had returned this. */
  end(result: number): boolean {
    saved.bytes.writeBigInt64LE(BigInt(result), Register.rax);
    saved.bytes.writeBigInt64LE(-1n, Register.originalRax);
    writeSignalMask(this.#tid, mask.address);
    return writeRegisters(this.#tid, saved.address) === 0 && this.#letGo();
  }

  /** Resumes the thread until it stops at the beginning or the end of a call. */
  #toSyscallStop(): boolean {
    for (let delivered = 0; ;) {
      if (resumeToSyscall(this.#tid, delivered) < 0) return false;
      delivered = 0;
      const status = this.#nextStatus();
      if (!isStopped(status)) {
        this.#elsewhere(this.#tid, status);
        return false;
      }
      const signal = stopSignal(status);
      if (signal === SYSCALL_STOP) return true;
      const event = stopEvent(status);
      if (event === Event.exec) {
        // Another thread has taken this one's number along with everything else.
        this.#elsewhere(this.#tid, status);
        return false;
      }
      // A referred call among the injected ones goes on, and so does a thread whose process has been stopped, until the end.
      if (event === Event.stop) this.#groupStopped ||= signal !== SIGTRAP;
      // SIGSTOP, which nothing blocks: only the kernel can tell whether SIGCONT has come since.
      else if (event === 0) delivered = signal;
    }
  }

  #nextStatus(): number {
    for (let looks = 0; ; looks += 1) {
      const found = waitTracee(this.#tid, WNOHANG);
      if (found > 0) return waitStatus();
      if (found < 0 && found !== -Errno.EINTR) return SIGKILL;
      if (looks < QUICK_LOOKS) syscall(X86_64.sched_yield, 0, 0, 0, 0, 0, 0);
      else poll(null, 0, 1);
      if (looks === MOST_LOOKS) kill(this.#tid, SIGKILL);
    }
  }

  /** Where its process has been stopped the thread stops again, unless the process goes on already. */
  #letGo(): boolean {
    if (this.#groupStopped) requestStop(this.#tid);
    return resume(this.#tid, 0) === 0;
  }
}
