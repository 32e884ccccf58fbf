/** What is printed on standard output at somebody's request. */
import { writeSync } from 'node:fs';
import { errnoOf } from '../policy/system-error.ts';
import { Errno } from '../linux/errno.ts';

/** A pipe takes only a part at a time, and who reads it may have enough (head(1)): that is no error. */
export function print(whole: string): void {
  const bytes = Buffer.from(whole);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  } catch (error) {
    if (errnoOf(error) !== Errno.EPIPE) throw error;
  }
}
