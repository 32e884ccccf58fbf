/** Opens that wait: of a FIFO for its other end (fifo(7)), of a device. That may take for ever, so a pool thread waits. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  S_IFIFO,
  S_IFMT,
  fileMode,
  fstat,
} from '../../linux/files.ts';
import { close, openText, openTextAsync } from '../../linux/libc.ts';
import type { PendingCalls, Unfinished } from '../pending.ts';
import { PENDING, fail, type Referral, type Reply } from '../referral.ts';
import { UntimedCall } from './untimed-call.ts';

/** More of them would use up our descriptors. They wait for a thread too: libuv's pool has four unless UV_THREADPOOL_SIZE says more. */
const MOST_WAITING = 64;

/**
 * A thread that waits in openat(2). Nothing ends that but the other end, so when the target no longer waits it is left
 * behind, and whoever opens the same FIFO in the same way takes it over: one that was interrupted and tries again.
 */
interface Opening {
  readonly all: Set<Opening>;
  readonly key: string;
  /** What is being opened (O_PATH). */
  readonly place: number;
  /** A descriptor, or a negated error number. */
  result: number | undefined;
  wanted: boolean;
}

/** To who has asked, what the open came to: a descriptor, or a negated error number. */
type Answer = (result: number) => Reply;

/** Of each sandbox, which all have the same calls that wait. */
const openingsOf = new WeakMap<PendingCalls, Set<Opening>>();

function openings(pending: PendingCalls): Set<Opening> {
  const known = openingsOf.get(pending) ?? new Set();
  openingsOf.set(pending, known);
  return known;
}

class WaitingOpen extends UntimedCall {
  readonly #opening: Opening;
  readonly #answer: Answer;

  constructor(referral: Referral, opening: Opening, answer: Answer) {
    super(referral);
    this.#opening = opening;
    this.#answer = answer;
  }

  attempt(): Reply | Unfinished {
    const { result } = this.#opening;
    if (result === undefined) return 'stuck';
    // The reply takes the descriptor along.
    this.#opening.result = -Errno.EBADF;
    return this.#answer(result);
  }

  override interrupted(restart: boolean): Reply {
    const outcome = this.attempt();
    return typeof outcome === 'string' ? super.interrupted(restart) : outcome;
  }

  release(): void {
    this.#opening.wanted = false;
    if (this.#opening.result !== undefined) discard(this.#opening);
  }
}

function discard(opening: Opening): void {
  if (opening.result !== undefined && opening.result >= 0) close(opening.result);
  opening.all.delete(opening);
}

/** Opens what is behind `object`, of which a copy is made, when it can be opened. */
export function openWaiting(
  referral: Referral,
  pending: PendingCalls,
  object: number,
  flags: number,
  answer: Answer,
): Reply {
  const status = fstat(object);
  if (typeof status === 'number') return fail(-status);
  const key = `${status.device}:${status.inode}:${flags}`;
  const all = openings(pending);
  const left = [...all].find((one) => !one.wanted && one.result === undefined && one.key === key);
  if (left === undefined) endLeft(all);
  const opening = left ?? begin(all, key, object, flags);
  if (typeof opening === 'number') return fail(-opening);
  opening.wanted = true;
  pending.add(new WaitingOpen(referral.detach(), opening, answer));
  return PENDING;
}

/**
 * Gives the threads back that wait for nobody: each has its FIFO's other end for a moment. Not before another needs one, as who was
 * interrupted comes back for what he left.
 */
function endLeft(all: ReadonlySet<Opening>): void {
  for (const { wanted, result, place } of all) {
    if (wanted || result !== undefined || (fileMode(place) & S_IFMT) !== S_IFIFO) continue;
    const end = openText(AT_FDCWD, `/proc/self/fd/${place}`, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
    if (end >= 0) close(end);
  }
}

/** Gives back the threads that wait for a sandbox which has ended. */
export function endWaiting(pending: PendingCalls): void {
  endLeft(openings(pending));
}

function begin(all: Set<Opening>, key: string, object: number, flags: number): Opening | number {
  if (all.size >= MOST_WAITING) return -Errno.ENFILE;
  const own = openText(AT_FDCWD, `/proc/self/fd/${object}`, O_PATH | O_CLOEXEC, 0);
  if (own < 0) return own;
  const opening: Opening = { all, key, place: own, result: undefined, wanted: true };
  all.add(opening);
  openTextAsync(AT_FDCWD, `/proc/self/fd/${own}`, flags, 0, (result) => {
    close(own);
    opening.result = result;
    if (!opening.wanted) discard(opening);
  });
  return opening;
}
