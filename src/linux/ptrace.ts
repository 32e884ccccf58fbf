/**
 * ptrace(2): the requests that the trace engine makes. A tracer is a thread, so all of them come from the main one.
 * Every function returns 0, or a negated error number: ESRCH where the tracee is gone or does not stand still.
 */
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const PTRACE_POKEUSER = 6;
const PTRACE_CONT = 7;
const PTRACE_GETREGS = 12;
const PTRACE_SETREGS = 13;
const PTRACE_DETACH = 17;
const PTRACE_SYSCALL = 24;
const PTRACE_GETEVENTMSG = 0x4201;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_LISTEN = 0x4208;
const PTRACE_GETSIGMASK = 0x420a;
const PTRACE_SETSIGMASK = 0x420b;
const PTRACE_GET_SYSCALL_INFO = 0x420e;

const PTRACE_O_TRACESYSGOOD = 1 << 0;
const PTRACE_O_TRACEFORK = 1 << 1;
const PTRACE_O_TRACEVFORK = 1 << 2;
const PTRACE_O_TRACECLONE = 1 << 3;
const PTRACE_O_TRACEEXEC = 1 << 4;
const PTRACE_O_TRACESECCOMP = 1 << 7;
const PTRACE_O_EXITKILL = 1 << 20;

/** Follows every child and thread, stops at SECCOMP_RET_TRACE, and lets nothing outlive the tracer. */
export const FOLLOW_ALL: number =
  PTRACE_O_TRACESYSGOOD |
  PTRACE_O_TRACEFORK |
  PTRACE_O_TRACEVFORK |
  PTRACE_O_TRACECLONE |
  PTRACE_O_TRACEEXEC |
  PTRACE_O_TRACESECCOMP |
  PTRACE_O_EXITKILL;

/** Only this thread, and nothing of what it starts. */
export const FOLLOW_NONE: number = PTRACE_O_TRACESYSGOOD;

/** The events of a stop, above the signal in a status of wait4(2). */
export const Event = { fork: 1, vfork: 2, clone: 3, exec: 4, seccomp: 7, stop: 128 } as const;

/** Attaches without stopping the tracee. */
export function seize(tid: number, options: number): number {
  return ptrace(PTRACE_SEIZE, tid, 0, options);
}

export function detach(tid: number): number {
  return ptrace(PTRACE_DETACH, tid, 0, 0);
}

/** Lets a tracee go on, and delivers a signal to it (0: none) with the siginfo that it came with. */
export function resume(tid: number, signal: number): number {
  return ptrace(PTRACE_CONT, tid, 0, signal);
}

/** Same, up to the next entry into or return from a system call. */
export function resumeToSyscall(tid: number, signal: number): number {
  return ptrace(PTRACE_SYSCALL, tid, 0, signal);
}

/** Leaves a tracee stopped with its group, and hears when the group goes on. */
export function listen(tid: number): number {
  return ptrace(PTRACE_LISTEN, tid, 0, 0);
}

/** Makes a tracee stop once it runs: with its group where that is stopped, else only for the tracer to let it go on. */
export function requestStop(tid: number): number {
  return ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

const message = Buffer.from(new ArrayBuffer(8));
const messageAddress = addressOf(message);

/** What an event came with: the number of a new process or thread. A negated error number where there is none. */
export function eventMessage(tid: number): number {
  const result = ptrace(PTRACE_GETEVENTMSG, tid, 0, messageAddress);
  return result < 0 ? result : message.readUInt32LE(0);
}

/** struct ptrace_syscall_info: where its fields lie; number and args where a call begins or is referred, result at its end. */
export const SyscallInfo = {
  size: 88,
  kind: 0,
  architecture: 4,
  instructionPointer: 8,
  stackPointer: 16,
  number: 24,
  result: 24,
  args: 32,
  argsEnd: 80,
} as const;
export const PTRACE_SYSCALL_INFO_ENTRY = 1;
export const PTRACE_SYSCALL_INFO_EXIT = 2;
export const PTRACE_SYSCALL_INFO_SECCOMP = 3;

/** Reads the system call that a tracee stands in; `address` has room for `SyscallInfo.size` bytes. */
export function syscallInfo(tid: number, address: number): number {
  return ptrace(PTRACE_GET_SYSCALL_INFO, tid, SyscallInfo.size, address);
}

/** struct user_regs_struct of x86-64: where the fields lie that a system call uses. */
export const Register = {
  size: 216,
  r10: 56,
  r9: 64,
  r8: 72,
  rax: 80,
  rdx: 96,
  rsi: 104,
  rdi: 112,
  originalRax: 120,
  rip: 128,
} as const;

/** Skips the system call that a tracee is about to enter; the call returns `value`. */
export function skipSyscall(tid: number, value: number): number {
  const skipped = ptrace(PTRACE_POKEUSER, tid, Register.originalRax, -1);
  return skipped < 0 ? skipped : ptrace(PTRACE_POKEUSER, tid, Register.rax, value);
}

/** What the system call returns that a tracee has just made. */
export function setReturn(tid: number, value: number): number {
  return ptrace(PTRACE_POKEUSER, tid, Register.rax, value);
}

/** At the end of a system call: what call it was, and what it returns. */
export function setResult(tid: number, number: number, value: number): number {
  const set = ptrace(PTRACE_POKEUSER, tid, Register.originalRax, number);
  return set < 0 ? set : ptrace(PTRACE_POKEUSER, tid, Register.rax, value);
}

export function readRegisters(tid: number, address: number): number {
  return ptrace(PTRACE_GETREGS, tid, 0, address);
}

export function writeRegisters(tid: number, address: number): number {
  return ptrace(PTRACE_SETREGS, tid, 0, address);
}

/** Blocked signals, 8 bytes. */
export function readSignalMask(tid: number, address: number): number {
  return ptrace(PTRACE_GETSIGMASK, tid, 8, address);
}

export function writeSignalMask(tid: number, address: number): number {
  return ptrace(PTRACE_SETSIGMASK, tid, 8, address);
}

function ptrace(request: number, tid: number, address: number, data: number | bigint): number {
  const result = syscall(X86_64.ptrace, request, tid, address, data, 0, 0);
  return result < 0 ? result : 0;
}
