import { failureText } from '../linux/errno.ts';

/** The launch did not come about: the step that failed, and why. */
export class LaunchError extends Error {
  readonly step: string;
  /** Positive; 0 when a process of ours ended without a word. */
  readonly errno: number;

  constructor(step: string, errno: number) {
    super(errno === 0 ? `${step}: ended early` : failureText(step, errno));
    this.name = 'LaunchError';
    this.step = step;
    this.errno = errno;
  }
}
