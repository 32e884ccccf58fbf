/** What a look at a target's memory or descriptors came to. */
import { Errno } from '../../linux/errno.ts';

/**
 * The error of a look; undefined where there was none, or where nobody may look (EPERM), who knows nothing then.
 * @param result not negative, or a negated error number
 */
export function lookError(result: number): number | undefined {
  return result < 0 && result !== -Errno.EPERM ? -result : undefined;
}
