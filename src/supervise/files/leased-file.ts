/**
 * Calls that somebody's lease on a file holds up (F_SETLEASE, fcntl(2)): the holder was asked to give it up, and each is
 * tried again until it has. One that is given up meanwhile does nothing any more.
 */
import { AT_FDCWD, O_CLOEXEC, O_PATH } from '../../linux/files.ts';
import { close, openText } from '../../linux/libc.ts';
import type { PendingCalls } from '../pending.ts';
import { PENDING, fail, type Referral, type Reply } from '../referral.ts';
import { UntimedCall } from './untimed-call.ts';

/** Tries a call on an open file, without waiting: 'stuck' as long as the lease is there. */
export type LeasedAttempt = (object: number) => Reply | 'stuck';

/** Tries once, and leaves it to `pending` where that is too early; the file is held open meanwhile. */
export function attemptLeased(
  referral: Referral,
  pending: PendingCalls,
  object: number,
  attempt: LeasedAttempt,
): Reply {
  const reply = attempt(object);
  if (reply !== 'stuck') return reply;
  const own = openText(AT_FDCWD, `/proc/self/fd/${object}`, O_PATH | O_CLOEXEC, 0);
  if (own < 0) return fail(-own);
  pending.add(new LeasedFileCall(referral.detach(), own, attempt));
  return PENDING;
}

class LeasedFileCall extends UntimedCall {
  readonly #object: number;
  readonly #attempt: LeasedAttempt;

  constructor(referral: Referral, object: number, attempt: LeasedAttempt) {
    super(referral);
    this.#object = object;
    this.#attempt = attempt;
  }

  attempt(): Reply | 'stuck' {
    return this.#attempt(this.#object);
  }

  release(): void {
    close(this.#object);
  }
}
