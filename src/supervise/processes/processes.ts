/** What the calls about other processes and threads have in common: finding whom they mean, and holding on to it. */
import { Errno } from '../../linux/errno.ts';
import { readProcText } from '../../linux/files.ts';
import { close, syscall } from '../../linux/libc.ts';
import { processStat } from '../../linux/process-stat.ts';
import { pidfdOpen, pidfdSendSignal } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Relation } from '../../judge/processes.ts';
import type { Context } from '../context.ts';
import type { Member, Members } from '../target/members.ts';
import type { Referral, Reply } from '../referral.ts';

/** The context of a handler of calls about processes. */
export type ProcessContext = Context;

export type ProcessHandler = (referral: Referral, context: ProcessContext) => Reply;

/** PIDFD_THREAD of pidfd_open(2) (Linux 6.9). */
const PIDFD_THREAD = 0o200;

/** Number of the process that a thread belongs to, or a negated error number (ESRCH). */
export function processOf(tid: number): number {
  const text = readProcText(`/proc/${tid}/status`);
  const tgid = typeof text === 'number' ? undefined : /^Tgid:\t(\d+)$/m.exec(text)?.[1];
  return tgid === undefined ? -Errno.ESRCH : Number(tgid);
}

/** True for a thread that has ended, whether or not its tracer or parent knows (proc(5), states Z and X). */
export function isZombie(tid: number): boolean {
  const state = processStat(tid)?.state;
  return state === undefined || state === 'Z' || state === 'X';
}

/** What a number means to a caller. The answer holds for `itself` only as long as the caller waits. */
export function relationTo(
  caller: { readonly tid: number; readonly process: number },
  number: number,
  process: number,
  members: Members,
): Relation {
  if (number === caller.tid || number === caller.process) return 'itself';
  if (process === caller.process) return 'same process';
  return members.has(process) ? 'inside' : 'outside';
}

/**
 * Does something with a pidfd whose process is of the sandbox for sure: it was looked up after the pidfd was there, and
 * the pidfd was still alive after the look-up. Returns undefined where it is not.
 */
export function withMember<Result>(
  process: number,
  members: Members,
  act: (pidfd: number) => Result,
): Result | undefined {
  const pidfd = pidfdOpen(process);
  if (pidfd < 0) return undefined;
  try {
    return members.has(process) && isAlive(pidfd) ? act(pidfd) : undefined;
  } finally {
    close(pidfd);
  }
}

/**
 * Does something with a pidfd of a process that was of the sandbox when it was looked at, and so is for ever. Returns undefined
 * where the number is another's by now.
 */
export function withSameProcess<Result>(
  { pid, start }: Member,
  act: (pidfd: number) => Result,
): Result | undefined {
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) return undefined;
  try {
    return processStat(pid)?.start === start && isAlive(pidfd) ? act(pidfd) : undefined;
  } finally {
    close(pidfd);
  }
}

/** The same for one thread of a process of the sandbox. -EINVAL before Linux 6.9. */
export function withThread(
  tid: number,
  process: number,
  members: Members,
  act: (pidfd: number) => number,
): number {
  const pidfd = syscall(X86_64.pidfd_open, tid, PIDFD_THREAD, 0, 0, 0, 0);
  if (pidfd < 0) return pidfd;
  try {
    if (processOf(tid) !== process || !members.has(process) || !isAlive(pidfd)) return -Errno.ESRCH;
    return act(pidfd);
  } finally {
    close(pidfd);
  }
}

/** True until the process was waited for: as long its number is nobody else's. */
export function isAlive(pidfd: number): boolean {
  const result = pidfdSendSignal(pidfd, 0);
  // Whom we may not signal is there.
  return result === 0 || result === -Errno.EPERM;
}
