/**
 * Nothing holds the supervisor for longer than a bound. All that it performs is meant not to wait, and what a target can
 * do so that it waits nevertheless is interrupted (linux/interrupt-timer.ts): the call fails, and so does the referral.
 *
 * The timer is set once in a while, not for each referral: each has at least `LEAST` milliseconds, and what it waits for
 * then is interrupted before twice that, and once more every few milliseconds. While nothing happens nothing fires.
 * What the kernel cannot interrupt, a file system that hangs, is not held by this either.
 */
import { InterruptTimer } from '../linux/interrupt-timer.ts';
import { close } from '../linux/libc.ts';

/** Longer than any call takes that the file system answers; of those that it does not answer few can be interrupted. */
const LEAST = 1000;
/** A referral may make many calls that wait, one after the other. */
const INTERVAL = 10;
/** How long a close of a socket may linger (socket(7), SO_LINGER). */
const CLOSE_LIMIT = 1;

let timer: InterruptTimer | undefined;
/** When the timer was set. */
let setAt = -Infinity;

/** To be called before the command runs: later the user may have as many signals as are allowed. Throws a SyscallError. */
export function startWatch(): void {
  timer ??= new InterruptTimer();
}

/** A call of a target is being looked at, or tried again. */
export function watchCall(): void {
  const now = performance.now();
  if (now - setAt < LEAST) return;
  setAt = now;
  timer?.start(2 * LEAST, INTERVAL);
}

/** The loop waits for the next, and was interrupted. */
export function endWatch(): void {
  if (setAt === -Infinity) return;
  setAt = -Infinity;
  timer?.start(0, 0);
}

/** Makes a call that is interrupted after so many milliseconds (EINTR), whatever else it does then. */
export function within<Result>(milliseconds: number, call: () => Result): Result {
  timer?.start(milliseconds, milliseconds);
  try {
    return call();
  } finally {
    setAt = performance.now();
    timer?.start(2 * LEAST, INTERVAL);
  }
}

/**
 * Closes what may be the last descriptor of a socket that lingers: the target has closed its own. What was written is sent
 * all the same (tcp(7)).
 */
export function closeLingering(descriptor: number): void {
  within(CLOSE_LIMIT, () => close(descriptor));
}
