/** Errors of the commands of fcntl(2) that change the file behind a descriptor, once that is found to be open. */
import { Errno } from '../../linux/errno.ts';
import { Fcntl, fcntlCommands } from '../../linux/fcntl.ts';
import { fstat } from '../../linux/files.ts';
import { close, eventLoopDescriptor, fcntl } from '../../linux/libc.ts';
import type { Context } from '../context.ts';
import type { Referral } from '../referral.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, readMemory } from '../target/target.ts';
import { lookError } from './look-error.ts';

/** The hints of `F_SET_RW_HINT` are 64 bits each, from RWH_WRITE_LIFE_NOT_SET to RWH_WRITE_LIFE_EXTREME. */
const HINT_SIZE = 8;
const LAST_HINT = 5n;

const hint = arena(HINT_SIZE);

export function fcntlError(referral: Referral, context: Context): number | undefined {
  const command = referral.uint(1);
  if (!fcntlCommands('changes').includes(command) || isUnknown(command)) return Errno.EINVAL;
  return command === Fcntl.F_SET_RW_HINT ? hintError(referral, context) : undefined;
}

/** What this kernel knows it would read from nowhere. */
function isUnknown(command: number): boolean {
  return fcntl(eventLoopDescriptor(), command, 0) === -Errno.EINVAL;
}

/** Nobody but the owner is told. */
function hintError(referral: Referral, { userId }: Context): number | undefined {
  const own = openTargetDescriptor(referral.tid, referral.int(0));
  const status = own < 0 ? own : fstat(own);
  if (own >= 0) close(own);
  if (typeof status === 'number' || (userId !== 0 && status.owner !== userId)) return undefined;
  const result = readMemory(referral.tid, referral.pointer(2), hint, HINT_SIZE);
  if (result < 0) return lookError(result);
  return hint.bytes.readBigUInt64LE(0) > LAST_HINT ? Errno.EINVAL : undefined;
}
