/**
 * Limits and scheduling of other threads: prlimit(2), setpriority(2), ioprio_set(2), sched_setaffinity(2) and kin.
 *
 * These calls take a number and no pidfd. The caller's own number is safe, so the kernel goes on with that. For another
 * thread of the sandbox the supervisor makes the call itself right after a look at who has the number. Between the two a
 * number that was just freed could go to a new process of the same user, whose scheduling would change; limits, which
 * can kill, are therefore never set so.
 */
import { RLIMIT_CORE } from '../../linux/core-limit.ts';
import { Errno } from '../../linux/errno.ts';
import { getpgrp, syscall, syscallMemory2, syscallMemory3 } from '../../linux/libc.ts';
import { processStat } from '../../linux/process-stat.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { judgeLimits, judgeScheduling, type Relation } from '../../judge/processes.ts';
import type { Verdict } from '../../judge/verdict.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import { isInside } from './groups.ts';
import { Members } from '../target/members.ts';
import { processOf, relationTo, withMember, type ProcessContext, type ProcessHandler } from './processes.ts';
import { CONTINUE_CALL, SUCCESS, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { arena, readMemory } from '../target/target.ts';

const PRIO_PROCESS = 0;
const PRIO_PGRP = 1;
const PRIO_USER = 2;
const IOPRIO_WHO_PROCESS = 1;
const IOPRIO_WHO_PGRP = 2;
const IOPRIO_WHO_USER = 3;
/** The kernel reads no more of a mask than it has CPUs: 8192 at most. */
const MOST_MASK_BYTES = 1024;
const SCHED_ATTR_SIZE_VER0 = 48;
/** struct rlimit64. */
const LIMIT_SIZE = 16;

const memory = arena(4096);

export const prlimit: ProcessHandler = (referral, context) => {
  const length = referral.pointer(2) === 0 ? 0 : LIMIT_SIZE;
  const unread = readMemory(referral.tid, referral.pointer(2), memory, length);
  if (unread < 0) return fail(-unread);
  const isInverted = length > 0 && memory.bytes.readBigUInt64LE(0) > memory.bytes.readBigUInt64LE(8);
  const error = (): number | undefined => limitError(referral.int(0), referral.uint(1), isInverted);
  const reply = about(referral, context, referral.int(0), judgeLimits, () => -Errno.EPERM, error);
  // One's own, by number: as the filter answers it where that is 0.
  const isKept = reply === CONTINUE_CALL && context.withoutCores && referral.int(1) === RLIMIT_CORE;
  if (!isKept) return reply;
  return referral.pointer(3) === 0 ? SUCCESS : fail(Errno.EPERM);
};

/** EPERM of another user's process, EINVAL of a limit that there is not, which the kernel says without being given any. */
function limitError(tid: number, resource: number, isInverted: boolean): number | undefined {
  const result = syscall(X86_64.prlimit64, tid, resource, 0, 0, 0, 0);
  if (result < 0) return -result;
  return isInverted ? Errno.EINVAL : undefined;
}

export const setpriority: ProcessHandler = (referral, context) => {
  const [which, who, value] = [referral.int(0), referral.int(1), referral.int(2)];
  if (which < PRIO_PROCESS || which > PRIO_USER) return fail(Errno.EINVAL);
  if (which === PRIO_PGRP) {
    return aboutGroup(referral, context, who, (group) =>
      syscall(X86_64.setpriority, which, group, value, 0, 0, 0),
    );
  }
  if (which === PRIO_USER) return notUsers(referral, context, who);
  return about(referral, context, who, judgeScheduling, () =>
    syscall(X86_64.setpriority, which, who, value, 0, 0, 0),
  );
};

export const ioprioSet: ProcessHandler = (referral, context) => {
  const [which, who, value] = [referral.int(0), referral.int(1), referral.int(2)];
  // The kernel looks at the priority first, and then finds that nobody has this number.
  const error = syscall(X86_64.ioprio_set, IOPRIO_WHO_PROCESS, -1, value, 0, 0, 0);
  if (error !== -Errno.ESRCH) return fail(error < 0 ? -error : Errno.EPERM);
  if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER) return fail(Errno.EINVAL);
  if (which === IOPRIO_WHO_PGRP) {
    return aboutGroup(referral, context, who, (group) =>
      syscall(X86_64.ioprio_set, which, group, value, 0, 0, 0),
    );
  }
  if (which === IOPRIO_WHO_USER) return notUsers(referral, context, who);
  return about(referral, context, who, judgeScheduling, () =>
    syscall(X86_64.ioprio_set, which, who, value, 0, 0, 0),
  );
};

export const schedSetparam: ProcessHandler = (referral, context) => {
  if (referral.int(0) < 0 || referral.pointer(1) === 0) return fail(Errno.EINVAL);
  return withBytes(referral, context, 1, 4, (tid, bytes) =>
    syscallMemory2(X86_64.sched_setparam, tid, bytes, 0, 0, 0),
  );
};

export const schedSetscheduler: ProcessHandler = (referral, context) => {
  if (referral.int(1) < 0 || referral.int(0) < 0 || referral.pointer(2) === 0) return fail(Errno.EINVAL);
  return withBytes(referral, context, 2, 4, (tid, bytes) =>
    syscallMemory3(X86_64.sched_setscheduler, tid, referral.int(1), bytes, 0, 0),
  );
};

export const schedSetaffinity: ProcessHandler = (referral, context) =>
  withBytes(referral, context, 2, Math.min(referral.uint(1), MOST_MASK_BYTES), (tid, bytes) =>
    syscallMemory3(X86_64.sched_setaffinity, tid, bytes.length, bytes, 0, 0),
  );

export const schedSetattr: ProcessHandler = (referral, context) => {
  if (referral.int(0) < 0 || referral.pointer(1) === 0 || referral.uint(2) !== 0) return fail(Errno.EINVAL);
  const result = readMemory(referral.tid, referral.pointer(1), memory, 4);
  if (result < 0) return fail(-result);
  const size = memory.bytes.readUInt32LE(0) || SCHED_ATTR_SIZE_VER0;
  if (size < SCHED_ATTR_SIZE_VER0 || size > memory.bytes.length) return fail(Errno.E2BIG);
  return withBytes(referral, context, 1, size, (tid, bytes) => {
    // Read twice, so that the size may be another one by now.
    bytes.writeUInt32LE(size, 0);
    return syscallMemory2(X86_64.sched_setattr, tid, bytes, referral.uint(2), 0, 0);
  });
};

/**
 * A call on a process group, 0 being the caller's: where all members are of the sandbox. The one that secfilt was started in
 * holds the supervisor, and the shell perhaps.
 */
function aboutGroup(
  referral: Referral,
  context: ProcessContext,
  given: number,
  perform: (group: number) => number,
): Reply {
  const caller = processOf(referral.tid);
  const group = given === 0 ? (processStat(referral.tid)?.group ?? -1) : given;
  if (!referral.isCurrent() || caller < 0) return fail(Errno.ESRCH);
  if (group <= 0 || !Members.groupExists(group)) return fail(Errno.ESRCH);
  const object = { kind: 'process', pid: -group } as const;
  if (group === getpgrp() || !isInside(group, context.members))
    return refused(referral, context, 'other', object, 'process groups with members outside are left alone');
  if (!isTrusted(referral, context)) return untrusted(referral, context, 'other', object);
  return allowed(referral, context, 'other', object, resultReply(perform(group)));
}

/** All processes of a user are never of the sandbox alone; one who has none is not there for the kernel. */
function notUsers(referral: Referral, context: ProcessContext, user: number): Reply {
  if (user !== 0 && syscall(X86_64.getpriority, PRIO_USER, user, 0, 0, 0, 0) === -Errno.ESRCH)
    return fail(Errno.ESRCH);
  const object = { kind: 'process', pid: -1 } as const;
  return refused(referral, context, 'other', object, 'priorities of all processes of a user are left alone');
}

/** A call on the thread in the first argument, with the bytes that another argument points to. */
function withBytes(
  referral: Referral,
  context: ProcessContext,
  index: number,
  size: number,
  perform: (tid: number, bytes: Buffer) => number,
): Reply {
  const tid = referral.int(0);
  const result = readMemory(referral.tid, referral.pointer(index), memory, size);
  if (result < 0) return fail(-result);
  const bytes = Buffer.from(memory.bytes.subarray(0, size));
  return about(referral, context, tid, judgeScheduling, () => perform(tid, bytes));
}

function about(
  referral: Referral,
  context: ProcessContext,
  number: number,
  judge: (relation: Relation) => Verdict,
  perform: () => number,
  error: () => number | undefined = () => undefined,
): Reply {
  if (number < 0) return fail(Errno.ESRCH);
  const caller = { tid: referral.tid, process: processOf(referral.tid) };
  const process = processOf(number);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  if (process < 0) return fail(-process);
  const { members } = context;
  const verdict = judge(relationTo(caller, number, process, members));
  const object = { kind: 'process', pid: number } as const;
  switch (verdict.kind) {
    case 'continue':
      return CONTINUE_CALL;
    case 'refuse': {
      const errno = error();
      return errno === undefined || errno === Errno.EPERM
        ? refused(referral, context, 'other', object, verdict.rule)
        : fail(errno);
    }
    case 'perform': {
      if (!isTrusted(referral, context)) return untrusted(referral, context, 'other', object);
      const result = withMember(process, members, () =>
        processOf(number) === process ? perform() : -Errno.ESRCH,
      );
      return allowed(referral, context, 'other', object, resultReply(result ?? -Errno.ESRCH));
    }
  }
}
