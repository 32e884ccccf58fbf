/**
 * Job control for what the supervisor performs on a terminal: natively the kernel stops a group that changes its terminal from the
 * background, but it looks at who makes the call, which is us then (tcsetattr(3), "background process group").
 */
import { ERESTARTSYS, Errno } from '../../linux/errno.ts';
import { readProcText } from '../../linux/files.ts';
import { syscall } from '../../linux/libc.ts';
import { processStat, type ProcessStat } from '../../linux/process-stat.ts';
import { pidfdSendSignal } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import type { Member } from '../target/members.ts';
import { processOf, withSameProcess, type ProcessContext } from './processes.ts';

const SIGTTOU = 22;
const BIT = 1n << BigInt(SIGTTOU - 1);

/**
 * What a thread gets in place of a change of its controlling terminal, where it is in the background: it is stopped with its group,
 * and makes the call again when it goes on. Undefined where it has its way.
 * @param terminal the number of the one that it changes; undefined: it is none
 */
export function heldBack(
  referral: Referral,
  context: ProcessContext,
  terminal: bigint | undefined,
): Reply | undefined {
  const { tid } = referral;
  const caller = terminal === undefined ? undefined : processStat(tid);
  if (caller === undefined || caller.terminal !== terminal) return undefined;
  if (caller.foreground <= 0 || caller.foreground === caller.group || takesNoStop(tid)) return undefined;
  const process = processOf(tid);
  if (process < 0 || !referral.isCurrent()) return fail(Errno.ESRCH);
  const { members } = context.members.list(caller.group);
  if (isOrphaned(members, caller)) return fail(Errno.EIO);
  for (const other of members)
    if (other.pid !== process) withSameProcess(other, (pidfd) => pidfdSendSignal(pidfd, SIGTTOU));
  // To the thread itself: it finds the signal before it could see what the call returns.
  const sent = syscall(X86_64.tgkill, process, tid, SIGTTOU, 0, 0, 0);
  return fail(sent < 0 ? Errno.EIO : ERESTARTSYS);
}

/** The signal is blocked or ignored: then the kernel lets it pass. */
function takesNoStop(tid: number): boolean {
  const text = readProcText(`/proc/${tid}/status`);
  if (typeof text === 'number') return true;
  return Array.from(text.matchAll(/^Sig(?:Blk|Ign):\t([0-9a-f]+)$/gm)).some(
    ([, mask]) => (BigInt(`0x${mask}`) & BIT) !== 0n,
  );
}

/** Nobody of the session and of another group is a parent in it: nobody would let it go on (setpgid(2), orphaned groups). */
function isOrphaned(group: readonly Member[], { group: own, session }: ProcessStat): boolean {
  return !group.some(({ pid }) => {
    const parent = processStat(processStat(pid)?.parent ?? 0);
    return parent !== undefined && parent.session === session && parent.group !== own;
  });
}
