/**
 * Commands that change a terminal: its modes and size, what is queued in it (ioctl_tty(2)). The kernel takes them by any descriptor,
 * one that is open for reading too, as any terminal of the user's may be. So they go on for one that is open for writing, which
 * was judged when it was opened or handed in, and else only for one that the sandbox made, was handed, or may write to.
 *
 * A number may mean another terminal by the time the kernel looks what it is: who has threads is served on a copy.
 */
import { Errno } from '../../linux/errno.ts';
import { F_GETFL } from '../../linux/files.ts';
import { TERMINAL_CHANGES } from '../../linux/ioctl.ts';
import { fcntl, ioctl, ioctlInteger } from '../../linux/libc.ts';
import { processStat } from '../../linux/process-stat.ts';
import { terminalNumber } from '../../linux/terminal.ts';
import { judgeOpen } from '../../judge/files.ts';
import { refused } from '../context.ts';
import { heldBack } from '../processes/background.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { arena, isPathOnly, readMemory } from '../target/target.ts';
import { closeLingering } from '../watch.ts';
import type { FileContext } from './context.ts';
import { isForWriting } from './held.ts';
import { objectBehind, type OpenObject } from './object.ts';
import { MASTER } from './pseudo-terminals.ts';

const RULE = 'only a terminal that was handed over, or made inside, is changed';
const WRITING = { writes: true, makesNameless: false, truncatesUnwritten: false } as const;

/** Commands of these by which a process in the background is stopped (SIGTTOU): modes; breaks, flow and what is queued. */
const HELD_BACK: ReadonlySet<number> = new Set([
  0x5402, 0x5403, 0x5404, 0x5406, 0x5407, 0x5408, 0x402c542b, 0x402c542c, 0x402c542d, 0x5409, 0x5425, 0x5427,
  0x5428, 0x540a, 0x540b,
]);

const argument = arena(128);

/** Answers one of TERMINAL_CHANGES. */
export function changeTerminal(referral: Referral, context: FileContext): Reply {
  const stays = context.descriptorTables.whileAlone(referral, () => {
    const copy = copyDescriptor(referral.tid, referral.int(0));
    if (copy < 0) return false;
    const may = foreign(referral, copy, context) === undefined;
    closeLingering(copy);
    return may;
  });
  if (stays === true) return CONTINUE_CALL;
  const copy = copyDescriptor(referral.tid, referral.int(0));
  if (copy < 0) return fail(copy === -Errno.EBADF ? Errno.EBADF : Errno.EPERM);
  try {
    if (!referral.isCurrent()) return fail(Errno.ESRCH);
    const object = foreign(referral, copy, context);
    if (object === undefined) return perform(referral, context, copy);
    return refused(referral, context, 'change', { kind: 'path', path: object.path }, RULE);
  } finally {
    closeLingering(copy);
  }
}

/** The terminal of somebody else that a descriptor would change; undefined where it is none. */
function foreign({ tid }: Referral, copy: number, context: FileContext): OpenObject | undefined {
  const flags = fcntl(copy, F_GETFL, 0);
  // What was opened with O_PATH takes no command.
  if (flags >= 0 && (isPathOnly(flags) || isForWriting(flags))) return undefined;
  const number = terminalNumber(copy);
  const object = objectBehind(copy, context.members);
  // No terminal, or one that has hung up. A master is always of a pair that was made with it, or handed in.
  if (number === undefined || typeof object === 'number' || object.characterDevice === MASTER)
    return undefined;
  return isOwn(tid, object, number, context) || judgeOpen(context.files, WRITING, object).kind !== 'refuse'
    ? undefined
    : object;
}

function isOwn(
  tid: number,
  object: OpenObject,
  number: bigint,
  { pseudoTerminals, terminals }: FileContext,
): boolean {
  if (object.characterDevice === number)
    return pseudoTerminals.find(object) !== undefined || terminals.isOne(object);
  // It only means a terminal, as /dev/tty does that of the session.
  return pseudoTerminals.findNumber(number) !== undefined || terminals.has(number) || isOurs(tid, number);
}

/** That of our own session, which is not led from inside. */
function isOurs(tid: number, number: bigint): boolean {
  const us = processStat('self');
  return us?.terminal === number && us.session === processStat(tid)?.session;
}

/** On the very terminal that was looked at, with what was read. */
function perform(referral: Referral, context: FileContext, copy: number): Reply {
  const command = referral.uint(1);
  const waits = HELD_BACK.has(command) ? heldBack(referral, context, terminalNumber(copy)) : undefined;
  if (waits !== undefined) return waits;
  const size = TERMINAL_CHANGES.get(command) ?? 0;
  if (size === 0) return resultReply(ioctlInteger(copy, command, Number(referral.long(2))));
  const read = readMemory(referral.tid, referral.pointer(2), argument, size);
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  // Where it cannot be read the kernel says so, unless it says something else before.
  if (read < 0) return resultReply(ioctlInteger(copy, command, 0));
  return resultReply(ioctl(copy, command, Buffer.from(argument.bytes.subarray(0, size))));
}
