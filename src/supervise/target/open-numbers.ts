/** Which descriptors a thread has open, and for how many more it has numbers (getrlimit(2), RLIMIT_NOFILE). */
import { readdirSync } from 'node:fs';
import { Errno } from '../../linux/errno.ts';
import { sizeOf } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { limitOf } from '../../linux/limits.ts';
import { RLIMIT_NOFILE } from '../../linux/open-files.ts';

/** The numbers of a thread's descriptors, none where they cannot be had. */
export function openNumbers(tid: number): number[] {
  const list = (): string[] | number => {
    try {
      return readdirSync(`/proc/${tid}/fd`);
    } catch {
      return -Errno.EACCES;
    }
  };
  const names = looking(list);
  return typeof names === 'number' ? [] : names.map(Number);
}

/** How many more descriptors a thread may open, as far as `enough`. Where nobody tells it is enough. */
export function freeNumbers(tid: number, enough: number): number {
  const limit = limitOf(tid, RLIMIT_NOFILE)?.soft;
  if (limit === undefined) return enough;
  // How many are open, since Linux 6.2; before, 0.
  const count = looking(() => sizeOf(`/proc/${tid}/fd`));
  if (count > 0 && limit >= BigInt(count + enough)) return enough;
  // Numbers beyond a limit that was lowered take nothing away.
  const below = openNumbers(tid).filter((number) => BigInt(number) < limit).length;
  return Number(limit) - below < enough ? Number(limit) - below : enough;
}
