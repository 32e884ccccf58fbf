/**
 * The limit of file sizes (getrlimit(2), RLIMIT_FSIZE): what the supervisor performs is held to the target's, so its own soft
 * limit must not come first. A target may raise its own as far as the hard one.
 */
import { RLIMIT_FSIZE, limitOf, setOwnLimit } from '../linux/limits.ts';
import type { OpenFilesLimit } from '../linux/open-files.ts';

let before: OpenFilesLimit | undefined;

/** Raises the soft limit of this process to the hard one. */
export function raiseFileSize(): void {
  const limit = limitOf(0, RLIMIT_FSIZE);
  if (limit === undefined || limit.soft >= limit.hard) return;
  if (setOwnLimit(RLIMIT_FSIZE, { soft: limit.hard, hard: limit.hard }) === 0) before = limit;
}

/** The limit to give back to a command. Undefined: nothing to put right. */
export function fileSizeAtStart(): OpenFilesLimit | undefined {
  return before;
}
