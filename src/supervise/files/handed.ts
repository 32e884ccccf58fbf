/** What becomes of a descriptor that the supervisor has opened for a program. */
import { O_CLOEXEC, O_NOCTTY } from '../../linux/files.ts';
import { fail, type Reply } from '../referral.ts';

/**
 * The reply to an open.
 * @param result a descriptor, or a negated error number
 * @param asked the flags that the program gave
 * @param mayControl false: it is no terminal, and need not be asked whether it is
 */
export function handed(result: number, asked: number, mayControl = true): Reply {
  if (result < 0) return fail(-result);
  return {
    kind: 'descriptor',
    descriptor: result,
    closeOnExec: (asked & O_CLOEXEC) !== 0,
    controls: mayControl && (asked & O_NOCTTY) === 0,
  };
}
