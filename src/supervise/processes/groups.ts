/**
 * Process groups: setpgid(2). The kernel signals whole groups, that of a terminal's reader for one (SIGTTIN), so nobody
 * inside joins a group that somebody outside is in.
 *
 * A process can only join a group of its own session, and a session that was begun inside holds nobody else. In the session that we
 * were started in, groups have the members that are looked at here. Between that look and the kernel's step the group would
 * have to end and its number to go to a new one of the same session: docs/threat-model.md.
 */
import { readdirSync } from 'node:fs';
import { Errno } from '../../linux/errno.ts';
import { getpgrp } from '../../linux/libc.ts';
import { isEnding, processStat, type ProcessStat } from '../../linux/process-stat.ts';
import { judgeGroup, type GroupOf } from '../../judge/processes.ts';
import { refused } from '../context.ts';
import type { Members } from '../target/members.ts';
import { processOf, type ProcessContext, type ProcessHandler } from './processes.ts';
import { CONTINUE_CALL, fail } from '../referral.ts';
import { callerOf } from './signals.ts';

/** Of the flags of a process, in include/linux/sched.h: it has not called execve(2) since its birth. */
const PF_FORKNOEXEC = 0x40;

export const setpgid: ProcessHandler = (referral, context) => {
  const [pid, group] = [referral.int(0), referral.int(1)];
  if (group < 0) return fail(Errno.EINVAL);
  const caller = callerOf(referral).process;
  const place = caller < 0 ? undefined : processStat(caller);
  if (place === undefined || !referral.isCurrent()) return fail(Errno.ESRCH);
  const joining = pid === 0 ? caller : pid;
  const whose = group === joining ? 'itself' : groupOf(group, place.session, context);
  const verdict = judgeGroup(whose);
  // The numbers are in registers, and the kernel has errors of its own for what it does not allow.
  if (verdict.kind !== 'refuse') return CONTINUE_CALL;
  const errno = errorOf(caller, place, joining, group);
  return errno === undefined
    ? refused(referral, context, 'signal', { kind: 'process', pid: -group }, verdict.rule)
    : fail(errno);
};

/** @param session that of the caller, which is the only one whose groups it can join */
function groupOf(group: number, session: number, { members }: ProcessContext): GroupOf {
  // As long as we live its number is no other group's.
  if (group === getpgrp()) return 'where secfilt was started';
  const own = processStat('self');
  if (own !== undefined && session !== own.session) return 'inside';
  return isInside(group, members) ? 'inside' : 'outside';
}

/**
 * True where a group has members, and all are of the sandbox. Where its leader is, so are the others: nobody outside comes in,
 * and nobody inside ever was in a group with others but in the one that secfilt was started in.
 */
export function isInside(group: number, members: Members): boolean {
  const leader = processStat(group);
  if (leader?.group === group && !isEnding(leader) && members.has(group)) return true;
  return members.hasGroup(group);
}

function membersOf(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => processStat(pid)?.group === group);
}

/** The error that the kernel gives before it looks who is in the group, in its order. */
function errorOf(caller: number, place: ProcessStat, joining: number, group: number): number | undefined {
  const process = processOf(joining);
  const standing = processStat(joining);
  if (process < 0 || standing === undefined) return Errno.ESRCH;
  if (process !== joining) return Errno.EINVAL;
  if (standing.parent === caller) {
    if (standing.session !== place.session) return Errno.EPERM;
    if ((standing.flags & PF_FORKNOEXEC) === 0) return Errno.EACCES;
  } else if (joining !== caller) {
    return Errno.ESRCH;
  }
  if (standing.session === joining) return Errno.EPERM;
  const isThere = membersOf(group).some((pid) => processStat(pid)?.session === place.session);
  return isThere ? undefined : Errno.EPERM;
}
