/** Errors of calls that look into other processes (kcmp(2), process_vm_readv(2), move_pages(2)), before the right to is asked for. */
import { Errno } from '../../linux/errno.ts';
import type { Referral } from '../referral.ts';
import type { Members } from '../target/members.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { targetStatus } from '../target/target.ts';
import { close } from '../../linux/libc.ts';

const KCMP_FILE = 0;
const KCMP_TYPES = 8;
/** MPOL_MF_MOVE and MPOL_MF_MOVE_ALL, which needs CAP_SYS_NICE. */
const MOVE_FLAGS = 0x6;
const MPOL_MF_MOVE_ALL = 0x4;

/** ESRCH for a number that nobody has. */
export function processError(number: number): number | undefined {
  return number <= 0 || typeof targetStatus(number) === 'number' ? Errno.ESRCH : undefined;
}

export function compareError(referral: Referral, members: Members): number | undefined {
  const both = [referral.int(0), referral.int(1)] as const;
  for (const number of both) {
    const missing = processError(number);
    if (missing !== undefined) return missing;
  }
  const type = referral.int(2);
  if (!both.every((number) => members.has(number))) return undefined;
  if (type < KCMP_FILE || type >= KCMP_TYPES) return Errno.EINVAL;
  if (type !== KCMP_FILE) return undefined;
  const areOpen = both.every((number, index) => isOpen(number, referral.int(3 + index)));
  return areOpen ? undefined : Errno.EBADF;
}

function isOpen(tid: number, descriptor: number): boolean {
  const own = openTargetDescriptor(tid, descriptor);
  if (own >= 0) close(own);
  return own !== -Errno.EBADF;
}

/** With nothing to read or write nobody is looked for. */
export function memoryOfError(referral: Referral): number | undefined {
  if (referral.long(5) !== 0n) return Errno.EINVAL;
  return referral.long(2) === 0n || referral.long(4) === 0n ? undefined : processError(referral.int(0));
}

export function movePagesError(referral: Referral): number | undefined {
  const flags = referral.int(5);
  if ((flags & ~MOVE_FLAGS) !== 0) return Errno.EINVAL;
  return (flags & MPOL_MF_MOVE_ALL) === 0 ? processError(referral.int(0)) : undefined;
}
