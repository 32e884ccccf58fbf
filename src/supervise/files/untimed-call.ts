/** A call that waits without a time limit, and of which no descriptor tells when it can go on: only trying does. */
import { Errno } from '../../linux/errno.ts';
import { interruption } from '../interruption.ts';
import type { PendingCall, Unfinished } from '../pending.ts';
import { fail, type Referral, type Reply } from '../referral.ts';

export abstract class UntimedCall implements PendingCall {
  readonly referral: Referral;
  readonly descriptor = -1;
  readonly events = 0;
  readonly timeout = Infinity;

  /** @param referral a detached one */
  constructor(referral: Referral) {
    this.referral = referral;
  }

  abstract attempt(): Reply | Unfinished;
  abstract release(): void;

  expired(): Reply {
    return fail(Errno.EINTR);
  }

  interrupted(restart: boolean): Reply {
    return interruption(this.timeout, restart);
  }
}
