/** What the filter says to a call that is refused for what its registers say. */
import { Errno } from '../../linux/errno.ts';
import { errno, type Expression } from '../../seccomp/expression.ts';
import type { Situation } from './situation.ts';

/**
 * Left to the supervisor, where there is one: it refuses as well, but knows what the kernel's own error would be, and tells of it.
 * Only what is rarely called is refused so. Else it is this error.
 */
export function refusal({ refer, judges }: Situation, number: number = Errno.EPERM): Expression {
  return refer !== undefined && judges.has('refusals') ? refer : errno(number);
}
