import { errnoMessage, errnoName, errnoRemedy } from '../linux/errno.ts';

/** The launch did not come about: the step that failed, and why. */
export class LaunchError extends Error {
  readonly step: string;
  /** Positive; 0 when a process of ours ended without a word. */
  readonly errno: number;

  constructor(step: string, errno: number) {
    // That the command cannot be executed is its own affair.
    const remedy = step.startsWith('execve') ? undefined : errnoRemedy(errno);
    const what = errno === 0 ? 'ended early' : `${errnoMessage(errno)} (${errnoName(errno)})`;
    super(`${step}: ${what}${remedy === undefined ? '' : `; ${remedy}`}`);
    this.name = 'LaunchError';
    this.step = step;
    this.errno = errno;
  }
}
