/**
 * Signals that the kernel sends for a descriptor: who gets them (F_SETOWN and kin), and that they are sent (O_ASYNC).
 *
 * Landlock scopes these signals only where it notes who asked for them. Linux 6.15 to 7.1 and others note nothing for a
 * process group in which the caller is the youngest, so it is never left to Landlock whether a group may be meant.
 */
import { Errno } from '../../linux/errno.ts';
import { Fcntl } from '../../linux/fcntl.ts';
import { ASYNC_SIGNALS, SIGNAL_OWNER } from '../../linux/ioctl.ts';
import { fcntl, ioctl, syscallMemory3 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { judgeDescriptorSignals, judgeOwner, type Signalled } from '../../judge/processes.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { processOf, type ProcessContext, type ProcessHandler } from './processes.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from '../referral.ts';
import { callerOf, carryOut, type Caller } from './signals.ts';
import { arena, readMemory } from '../target/target.ts';
import { closeLingering } from '../watch.ts';

const F_OWNER_TID = 0;
const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;
const TIOCGWINSZ = 0x5413;

const argument = arena(8);
const windowSize = Buffer.alloc(8);

export const setOwner: ProcessHandler = (referral, context) => {
  const command = referral.int(1);
  switch (command) {
    case Fcntl.F_SETFL:
    case Fcntl.F_SETSIG:
      return askForSignals(referral, context, command === Fcntl.F_SETFL, (copy) =>
        fcntl(copy, command, referral.int(2)),
      );
    case Fcntl.F_SETOWN:
      return ownByNumber(referral, context);
    case Fcntl.F_SETOWN_EX: {
      const result = readMemory(referral.tid, referral.pointer(2), argument, 8);
      if (result < 0) return fail(-result);
      const [type, number] = [argument.bytes.readInt32LE(0), argument.bytes.readInt32LE(4)];
      return own(referral, context, type, number);
    }
    default:
      return fail(Errno.EPERM);
  }
};

/** True for the commands of fcntl(2) that `setOwner` answers. */
export function isSignalCommand(command: number): boolean {
  return (
    command === Fcntl.F_SETFL ||
    command === Fcntl.F_SETSIG ||
    command === Fcntl.F_SETOWN ||
    command === Fcntl.F_SETOWN_EX
  );
}

/** The same by ioctl(2), whose argument is an int in memory. */
export const signalIoctl: ProcessHandler = (referral, context) => {
  const command = referral.uint(1);
  const result = readMemory(referral.tid, referral.pointer(2), argument, 4);
  if (result < 0) return fail(-result);
  const value = argument.bytes.readInt32LE(0);
  if (command !== ASYNC_SIGNALS.FIOASYNC) return own(referral, context, ...meant(value));
  const bytes = Buffer.from(argument.bytes.subarray(0, 4));
  return askForSignals(referral, context, value !== 0, (copy) => ioctl(copy, command, bytes));
};

/** True for the commands that `signalIoctl` answers. */
export function isSignalIoctl(command: number): boolean {
  return [...Object.values(SIGNAL_OWNER), ...Object.values(ASYNC_SIGNALS)].some((each) => each === command);
}

/** A number as F_SETOWN takes it: that of a group is negative. */
function meant(number: number): [type: number, number: number] {
  return number < 0 ? [F_OWNER_PGRP, -number] : [F_OWNER_PID, number];
}

/** The number lies in a register, and the caller's own is nobody else's: the kernel may go on with it. */
function ownByNumber(referral: Referral, context: ProcessContext): Reply {
  const caller = callerOf(referral);
  const number = referral.int(2);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  if (isOwn(caller, ...meant(number))) return CONTINUE_CALL;
  return carryOut(referral, context, judgeOwner('outside'), number, () => -Errno.EPERM);
}

/** The owner lies in memory: set on the very open file, with what was read. */
function own(referral: Referral, context: ProcessContext, type: number, number: number): Reply {
  const caller = callerOf(referral);
  if (!referral.isCurrent() || caller.process < 0) return fail(Errno.ESRCH);
  const object = type === F_OWNER_PGRP ? -number : number;
  const verdict = judgeOwner(isOwn(caller, type, number) ? 'itself' : 'outside');
  return carryOut(referral, context, verdict, object, () => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(type, 0);
    bytes.writeInt32LE(number, 4);
    return onCopy(referral, (copy) => syscallMemory3(X86_64.fcntl, copy, Fcntl.F_SETOWN_EX, bytes, 0, 0));
  });
}

/** Nobody, or the caller: its process or its thread. */
function isOwn(caller: Caller, type: number, number: number): boolean {
  if (number === 0) return true;
  if (type === F_OWNER_TID) return number === caller.tid;
  return type === F_OWNER_PID && (number === caller.process || number === caller.tid);
}

/**
 * Turns signals on or off, or chooses which one. The kernel goes on where nobody outside can be meant, whatever the
 * argument says by then: what it tells of the descriptor in a signal is its number, so it had better be the caller's own.
 * @param on a terminal would make its foreground group the owner
 */
function askForSignals(
  referral: Referral,
  context: ProcessContext,
  on: boolean,
  perform: (copy: number) => number,
): Reply {
  const stays = context.descriptorTables.whileAlone(referral, () =>
    onCopy(referral, (copy) => (signalledBy(copy, context) === 'inside' ? 1 : 0)),
  );
  if (stays === 1) return CONTINUE_CALL;
  const copy = copyDescriptor(referral.tid, referral.int(0));
  if (copy < 0) return fail(copy === -Errno.EBADF ? Errno.EBADF : Errno.EPERM);
  try {
    if (!referral.isCurrent()) return fail(Errno.ESRCH);
    const signalled = signalledBy(copy, context);
    const verdict = judgeDescriptorSignals(!on && signalled === 'foreground' ? 'inside' : signalled);
    return carryOut(referral, context, verdict, 0, () => perform(copy));
  } finally {
    closeLingering(copy);
  }
}

const owner = Buffer.alloc(8);

/** Whom the kernel would signal for an open file: a descriptor that was handed in may have an owner outside. */
function signalledBy(copy: number, context: ProcessContext): Signalled {
  const result = syscallMemory3(X86_64.fcntl, copy, Fcntl.F_GETOWN_EX, owner, 0, 0);
  if (result < 0) return 'outside';
  const [type, number] = [owner.readInt32LE(0), owner.readInt32LE(4)];
  if (number !== 0) {
    const process = type === F_OWNER_PGRP ? -1 : processOf(number);
    // Nobody has the number any more: nobody is signalled.
    const isGone = type !== F_OWNER_PGRP && process < 0;
    if (!isGone && !context.members.has(process)) return 'outside';
  }
  return ioctl(copy, TIOCGWINSZ, windowSize) >= 0 ? 'foreground' : 'inside';
}

function onCopy(referral: Referral, act: (copy: number) => number): number {
  const copy = copyDescriptor(referral.tid, referral.int(0));
  if (copy < 0) return copy;
  const result = act(copy);
  closeLingering(copy);
  return result;
}
