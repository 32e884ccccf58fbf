/**
 * Calls that the supervisor performs and that have to wait: the target waits with them, the supervisor does not.
 *
 * Each is tried again when its descriptor is ready, or from time to time where no descriptor says so. The waiting
 * target sees no signal (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), so it is looked whether one has come for it, and then
 * the call ends as the kernel would have ended it.
 */
import { Errno } from '../linux/errno.ts';
import { impersonate, impersonated } from '../linux/impersonation.ts';
import { pendingSignal } from './target/pending-signal.ts';
import { fail, type Referral, type Reply } from './referral.ts';
import { watchCall } from './watch.ts';

/**
 * Why a call is not finished: `more` could be done at once, but others are to have their turn; it has `moved` and must
 * wait again; it is `stuck` where it was.
 */
export type Unfinished = 'more' | 'moved' | 'stuck';

/** A call that could not be finished at once. */
export interface PendingCall {
  /** A detached referral. */
  readonly referral: Referral;
  /** What poll(2) is to watch, and for which events; -1 where only trying tells. */
  readonly descriptor: number;
  readonly events: number;
  /** Milliseconds until the call gives up; Infinity: never. */
  readonly timeout: number;
  /** Tries again. */
  attempt(): Reply | Unfinished;
  /** The answer when the time is up. */
  expired(): Reply;
  /** The answer when a signal has come; `restart` where the kernel may be told to begin the call again. */
  interrupted(restart: boolean): Reply;
  /** Gives back what the call holds. Called once, at the end. */
  release(): void;
}

/** Why what was interrupted is refused (watch.ts). */
export const WOULD_WAIT = 'the supervisor would have had to wait';

/** Milliseconds between two looks at the signals of a waiting target, and between two tries without a descriptor. */
const FIRST_LOOK = 20;
const LONGEST_LOOK = 100;
const FIRST_TRY = 1;
const LONGEST_TRY = 20;

class Entry {
  readonly call: PendingCall;
  /** Whose it is tried with, as it was begun: a thread that waits does not change its own. Undefined: ours. */
  readonly credentials = impersonated();
  readonly deadline: number;
  /** When to look at the signals next. */
  lookAt: number;
  /** When to try next without being told by poll. */
  tryAt: number;
  /** False while the descriptor says ready although nothing comes of it. */
  polled: boolean;
  #look = FIRST_LOOK;
  #pause = FIRST_TRY;
  #seenShared = false;

  constructor(call: PendingCall, soon: boolean, now: number) {
    this.call = call;
    this.deadline = now + call.timeout;
    this.lookAt = now + FIRST_LOOK;
    this.polled = call.descriptor >= 0;
    this.tryAt = soon ? now : this.polled ? Infinity : now + FIRST_TRY;
  }

  get next(): number {
    return Math.min(this.deadline, this.lookAt, this.tryAt);
  }

  /** Something is due. The reply that ends the call, 'gone' where nobody waits any more, or undefined. */
  turn(ready: boolean, now: number): Reply | 'gone' | 'too long' | undefined {
    if (ready || now >= this.tryAt) {
      // Who was killed while it waited does nothing any more.
      if (!this.call.referral.isCurrent()) return 'gone';
      const outcome = this.call.attempt();
      // It would have had to wait (watch.ts).
      if (isInterrupted(outcome)) return 'too long';
      if (typeof outcome !== 'string') return outcome;
      this.#wait(outcome, now);
    }
    if (now >= this.lookAt) return this.#lookAtSignals(now);
    return now >= this.deadline ? this.call.expired() : undefined;
  }

  #wait(outcome: Unfinished, now: number): void {
    // Ready, and yet stuck: what it waits for is not what poll tells.
    this.polled = outcome !== 'stuck' && this.call.descriptor >= 0;
    if (outcome !== 'stuck') this.#pause = FIRST_TRY;
    this.tryAt = outcome === 'more' ? now : this.polled ? Infinity : now + this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_TRY);
  }

  #lookAtSignals(now: number): Reply | 'gone' | undefined {
    if (!this.call.referral.isCurrent()) return 'gone';
    const pending = pendingSignal(this.call.referral.tid);
    if (pending === 'own') return this.call.interrupted(true);
    // Another thread may take it, so it is given the time. Only the first to be woken can count on a restart.
    if (pending !== undefined && this.#seenShared) return this.call.interrupted(pending === 'first');
    this.#seenShared = pending !== undefined;
    this.#look = Math.min(2 * this.#look, LONGEST_LOOK);
    this.lookAt = now + this.#look;
    return now >= this.deadline ? this.call.expired() : undefined;
  }
}

function isInterrupted(outcome: Reply | Unfinished): boolean {
  return typeof outcome !== 'string' && outcome.kind === 'errno' && outcome.errno === Errno.EINTR;
}

export class PendingCalls {
  readonly #entries: Entry[] = [];
  readonly #fault: (error: unknown) => void;
  /** Changes whenever the descriptors to watch do. */
  version = 0;
  /** How a call is refused, and told of: given by who makes the handlers. */
  refuse: (referral: Referral, rule: string) => Reply = () => fail(Errno.EPERM);

  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /** @param soon it could go on at once */
  add(call: PendingCall, soon = false): void {
    this.#entries.push(new Entry(call, soon, performance.now()));
    this.version += 1;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** What poll is to watch for each call, in an order that holds until the version changes. */
  watched(): { readonly descriptor: number; readonly events: number }[] {
    return this.#entries.map(({ call, polled }) => ({
      descriptor: polled ? call.descriptor : -1,
      events: call.events,
    }));
  }

  /** Milliseconds until something is due, rounded up; -1: nothing is. */
  timeout(): number {
    if (this.#entries.length === 0) return -1;
    let next = Infinity;
    for (const entry of this.#entries) next = Math.min(next, entry.next);
    return Math.max(0, Math.ceil(next - performance.now()));
  }

  /** Goes on with what is ready (by the index in `watched`) or due. */
  turn(isReady: (index: number) => boolean): void {
    if (this.#entries.length === 0) return;
    const now = performance.now();
    for (let index = this.#entries.length - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index];
      if (entry === undefined) continue;
      const ready = entry.polled && isReady(index);
      if (ready || now >= entry.next) this.#goOn(entry, index, ready, now);
    }
  }

  #goOn(entry: Entry, index: number, ready: boolean, now: number): void {
    const { polled } = entry;
    const outcome = this.#outcome(entry, ready, now);
    if (outcome === undefined) {
      if (polled !== entry.polled) this.version += 1;
      return;
    }
    this.#entries.splice(index, 1);
    this.version += 1;
    this.#release(entry.call);
    if (outcome !== 'gone') entry.call.referral.reply(outcome);
  }

  /** A fault in one call is no matter of the others. */
  #release(call: PendingCall): void {
    try {
      call.release();
    } catch (error) {
      this.#fault(error);
    }
  }

  #outcome(entry: Entry, ready: boolean, now: number): Reply | 'gone' | undefined {
    watchCall();
    try {
      const turn =
        entry.credentials === undefined
          ? { outcome: entry.turn(ready, now) }
          : impersonate(entry.credentials, () => ({ outcome: entry.turn(ready, now) }));
      const { referral } = entry.call;
      if (turn === undefined)
        return this.refuse(referral, 'the rights of the caller could not be taken on again');
      return turn.outcome === 'too long' ? this.refuse(referral, WOULD_WAIT) : turn.outcome;
    } catch (error) {
      this.#fault(error);
      return fail(Errno.EPERM);
    }
  }

  /** Nobody is left to be answered. */
  drop(): void {
    for (const { call } of this.#entries.splice(0)) this.#release(call);
    this.version += 1;
  }
}
