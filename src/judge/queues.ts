/** The judge of POSIX message queues (mq_overview(7)). Pure. */
import type { FileRules } from './files.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

const NAMELESS_RULE = refuse('a message queue that was not made inside');
const OUTSIDE_RULE = refuse('a message queue that was not made inside, outside --write-allow');

/**
 * Opening or removing a queue that exists.
 * @param isOwn the sandbox made it
 * @param path where it lies, if queues are to be seen as files
 */
export function judgeQueue(
  { restricted, writable }: FileRules,
  isOwn: boolean,
  path: Uint8Array | undefined,
): Verdict {
  if (!restricted || isOwn) return PERFORM;
  if (path === undefined) return NAMELESS_RULE;
  return writable.locate(path).kind === 'outside' ? OUTSIDE_RULE : PERFORM;
}
