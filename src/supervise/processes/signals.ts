/**
 * Signals where Landlock does not scope them: kill(2) and kin.
 *
 * To itself a process sends them undisturbed. To others of the sandbox the supervisor sends them, through a pidfd, as
 * a number may have become another process by the time the kernel looks it up. A receiver then sees SI_QUEUE in place
 * of SI_USER, and the sender's own number and user, as ever (sigaction(2)).
 */
import { Errno } from '../../linux/errno.ts';
import { readProcText } from '../../linux/files.ts';
import { syscallMemory3, syscallMemory4 } from '../../linux/libc.ts';
import { processStat } from '../../linux/process-stat.ts';
import { pidfdSendSignal as sendByPidfd } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { judgeSignal, type Relation } from '../../judge/processes.ts';
import type { Verdict } from '../../judge/verdict.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { Members } from '../target/members.ts';
import {
  isAlive,
  processOf,
  relationTo,
  withMember,
  withSameProcess,
  withThread,
  type ProcessContext,
  type ProcessHandler,
} from './processes.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { arena, readMemory } from '../target/target.ts';
import { closeLingering } from '../watch.ts';

const LAST_SIGNAL = 64;
const SI_QUEUE = -1;
const SI_TKILL = -6;
/** struct siginfo, and where its fields lie. */
const SIGINFO = { size: 128, signal: 0, code: 8, pid: 16, user: 20 } as const;
/** kill(-1) and groups: who was born while we went through them is found the next time round. */
const MOST_ROUNDS = 16;

const siginfo = arena(SIGINFO.size);

export interface Caller {
  readonly tid: number;
  readonly process: number;
}

/** Who has made the call. A negative process number: nobody is there any more. */
export function callerOf(referral: Referral): Caller {
  return { tid: referral.tid, process: processOf(referral.tid) };
}

function isSignal(signal: number): boolean {
  return signal >= 0 && signal <= LAST_SIGNAL;
}

export const kill: ProcessHandler = (referral, context) => {
  const [pid, signal] = [referral.int(0), referral.int(1)];
  if (!isSignal(signal)) return fail(Errno.EINVAL);
  const caller = callerOf(referral);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  if (pid > 0) return signalProcess(referral, context, caller, pid, signal, undefined);
  return signalMany(referral, context, caller, pid, signal);
};

export const rtSigqueueinfo: ProcessHandler = (referral, context) => {
  const [pid, signal] = [referral.int(0), referral.int(1)];
  if (!isSignal(signal)) return fail(Errno.EINVAL);
  const caller = callerOf(referral);
  const information = readInformation(referral, 2, signal);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  if (typeof information === 'number') return fail(information);
  if (pid <= 0) return fail(Errno.ESRCH);
  return signalProcess(referral, context, caller, pid, signal, information);
};

export const tkill: ProcessHandler = (referral, context) =>
  signalThread(referral, context, undefined, referral.int(0), referral.int(1), undefined);

export const tgkill: ProcessHandler = (referral, context) =>
  signalThread(referral, context, referral.int(0), referral.int(1), referral.int(2), undefined);

export const rtTgsigqueueinfo: ProcessHandler = (referral, context) => {
  const information = readInformation(referral, 3, referral.int(2));
  if (typeof information === 'number') return fail(information);
  return signalThread(referral, context, referral.int(0), referral.int(1), referral.int(2), information);
};

export const pidfdSendSignal: ProcessHandler = (referral, context) => {
  const [signal, flags] = [referral.int(1), referral.uint(3)];
  // Of the flags only the whole process (2) and the one thread (1): a group (4) may have members outside.
  if (!isSignal(signal) || flags > 2) return fail(Errno.EINVAL);
  const caller = callerOf(referral);
  const given = referral.pointer(2) === 0 ? undefined : readInformation(referral, 2, signal);
  if (typeof given === 'number') return fail(given);
  const copy = copyDescriptor(referral.tid, referral.int(0));
  if (copy < 0) return copy === -Errno.EBADF ? fail(Errno.EBADF) : untrusted(referral, context, 'signal');
  try {
    const number = numberOf(copy);
    if (number === undefined) return fail(Errno.EBADF);
    if (number <= 0) return fail(Errno.ESRCH);
    if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
    const process = processOf(number);
    const own = process === caller.process;
    if (!isAlive(copy) && !own) return fail(Errno.ESRCH);
    const relation: Relation = own || context.members.has(process) ? 'inside' : 'outside';
    return carryOut(referral, context, judgeSignal(isAlive(copy) ? relation : 'outside'), number, () =>
      send(copy, signal, given ?? informationFrom(caller, userOf(referral), signal), flags),
    );
  } finally {
    closeLingering(copy);
  }
};

/** The number of a pidfd's process as we see it (proc(5), fdinfo); undefined where it is no pidfd. */
function numberOf(pidfd: number): number | undefined {
  // What else says so in its fdinfo may have been told to (DMA_BUF_SET_NAME). The kernel takes no other for a pidfd.
  if (sendByPidfd(pidfd, 0) === -Errno.EBADF) return undefined;
  const text = readProcText(`/proc/self/fdinfo/${pidfd}`);
  const number = typeof text === 'number' ? undefined : /^Pid:\t(-?\d+)$/m.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

function signalProcess(
  referral: Referral,
  context: ProcessContext,
  caller: Caller,
  pid: number,
  signal: number,
  information: Buffer | undefined,
): Reply {
  const process = processOf(pid);
  if (process < 0) return fail(-process);
  const relation = relationTo(caller, pid, process, context.members);
  return carryOut(referral, context, judgeSignal(relation), pid, () => {
    if (relation === 'same process') {
      return sendToThread(caller.process, pid, signal, informationFrom(caller, userOf(referral), signal));
    }
    const what = information ?? informationFrom(caller, userOf(referral), signal);
    return withMember(process, context.members, (pidfd) => send(pidfd, signal, what, 0)) ?? -Errno.ESRCH;
  });
}

/** kill(0), kill(-1), kill(-GROUP): every process of the sandbox that is meant, one by one. */
function signalMany(
  referral: Referral,
  context: ProcessContext,
  caller: Caller,
  pid: number,
  signal: number,
): Reply {
  const { members } = context;
  const group = pid === -1 ? undefined : pid === 0 ? groupOf(caller) : -pid;
  const information = informationFrom(caller, userOf(referral), signal);
  const done = new Set<number>(pid === -1 ? [caller.process] : []);
  let reached = 0;
  if (!isTrusted(referral, context)) return untrusted(referral, context, 'signal', { kind: 'process', pid });
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const { members: present, complete } = members.list(group);
    const found = present.filter(({ pid: process }) => !done.has(process));
    if (found.length === 0 && complete) break;
    // The caller comes last: the signal may end it.
    for (const member of found.toSorted(
      (a, b) => Number(a.pid === caller.process) - Number(b.pid === caller.process),
    )) {
      const result = withSameProcess(member, (pidfd) => send(pidfd, signal, information, 0));
      if (result === undefined) continue;
      done.add(member.pid);
      if (result === 0) reached += 1;
    }
  }
  if (reached > 0) return allowed(referral, context, 'signal', { kind: 'process', pid }, resultReply(0));
  if (group !== undefined && !Members.groupExists(group)) return fail(Errno.ESRCH);
  return carryOut(referral, context, judgeSignal('outside'), pid, () => 0);
}

function groupOf(caller: Caller): number {
  return processStat(caller.process)?.group ?? Number.MAX_SAFE_INTEGER;
}

/** @param given the process that the call names along with the thread */
function signalThread(
  referral: Referral,
  context: ProcessContext,
  given: number | undefined,
  tid: number,
  signal: number,
  information: Buffer | undefined,
): Reply {
  if (!isSignal(signal) || tid <= 0 || (given !== undefined && given <= 0)) return fail(Errno.EINVAL);
  const caller = callerOf(referral);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  // The kernel looks that the thread is of that process, and that one is the caller's own.
  if (given === caller.process) return CONTINUE_CALL;
  const process = processOf(tid);
  if (process < 0 || (given !== undefined && given !== process)) return fail(Errno.ESRCH);
  const relation = tid === caller.tid ? 'itself' : relationTo(caller, tid, process, context.members);
  return carryOut(referral, context, judgeSignal(relation), tid, () => {
    const what = information ?? informationFrom(caller, userOf(referral), signal);
    if (relation === 'same process') return sendToThread(process, tid, signal, what);
    const result = withThread(tid, process, context.members, (pidfd) => send(pidfd, signal, what, 0));
    return result === -Errno.EINVAL ? -Errno.EPERM : result;
  });
}

/** Carries out a verdict about a signal to a process, or to a group where the number is negative. */
export function carryOut(
  referral: Referral,
  context: ProcessContext,
  verdict: Verdict,
  pid: number,
  perform: () => number,
): Reply {
  const object = { kind: 'process', pid } as const;
  switch (verdict.kind) {
    case 'continue':
      return CONTINUE_CALL;
    case 'refuse':
      return refused(referral, context, 'signal', object, verdict.rule);
    case 'perform':
      if (!isTrusted(referral, context)) return untrusted(referral, context, 'signal', object);
      return allowed(referral, context, 'signal', object, resultReply(perform()));
  }
}

function send(pidfd: number, signal: number, information: Buffer, flags: number): number {
  return syscallMemory3(X86_64.pidfd_send_signal, pidfd, signal, information, flags, 0);
}

/** To a thread of a process whose number is sure: the caller's own. */
function sendToThread(process: number, tid: number, signal: number, information: Buffer): number {
  return syscallMemory4(X86_64.rt_tgsigqueueinfo, process, tid, signal, information, 0);
}

function informationFrom(caller: Caller, user: number, signal: number): Buffer {
  const bytes = Buffer.alloc(SIGINFO.size);
  bytes.writeInt32LE(signal, SIGINFO.signal);
  bytes.writeInt32LE(SI_QUEUE, SIGINFO.code);
  bytes.writeInt32LE(caller.process, SIGINFO.pid);
  bytes.writeUInt32LE(user, SIGINFO.user);
  return bytes;
}

function userOf(referral: Referral): number {
  const text = readProcText(`/proc/${referral.tid}/status`);
  const user = typeof text === 'number' ? undefined : /^Uid:\t(\d+)/m.exec(text)?.[1];
  return Number(user ?? 0);
}

/** What the caller says of the signal: to others it may not claim to be the kernel (rt_sigqueueinfo(2)). */
function readInformation(referral: Referral, index: number, signal: number): Buffer | number {
  const result = readMemory(referral.tid, referral.pointer(index), siginfo, SIGINFO.size);
  if (result < 0) return -result;
  const bytes = Buffer.from(siginfo.bytes.subarray(0, SIGINFO.size));
  const code = bytes.readInt32LE(SIGINFO.code);
  if (code >= 0 || code === SI_TKILL) return Errno.EPERM;
  bytes.writeInt32LE(signal, SIGINFO.signal);
  return bytes;
}
