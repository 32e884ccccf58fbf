/** Opens that wait: of a FIFO for its other end (fifo(7)), of a device. That may take for ever, so a pool thread waits. */
import { Errno } from '../../linux/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_PATH, openPathText } from '../../linux/files.ts';
import { interruptThreads } from '../../linux/interrupt-timer.ts';
import { close, openText, openTextAsync, syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { PendingCalls, Unfinished } from '../pending.ts';
import { PENDING, fail, type Referral, type Reply } from '../referral.ts';
import { UntimedCall } from './untimed-call.ts';

/** More of them would use up our descriptors. They wait for a thread too: libuv's pool has four unless UV_THREADPOOL_SIZE says more. */
const MOST_WAITING = 64;

/**
 * A thread that waits in openat(2), or a request for one. When its target no longer waits it is called off: nobody is left behind
 * in it, nor does anybody open it for whom it waits.
 */
interface Opening {
  readonly all: Set<Opening>;
  /** What is being opened (O_PATH). */
  readonly place: number;
  readonly flags: number;
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
    if (this.#opening.result === undefined) callOff(this.#opening);
    else discard(this.#opening);
  }
}

function discard(opening: Opening): void {
  if (opening.result !== undefined && opening.result >= 0) close(opening.result);
  opening.all.delete(opening);
}

/** Who has yet to begin finds a directory, which keeps nobody waiting; who waits is interrupted, and all who are wanted begin again. */
function callOff({ place }: Opening): void {
  const root = openPathText('/');
  if (root >= 0) {
    syscall(X86_64.dup3, root, place, O_CLOEXEC, 0, 0, 0);
    close(root);
  }
  interruptThreads();
}

/** Opens what is behind `object`, of which a copy is made, when it can be opened. */
export function openWaiting(
  referral: Referral,
  pending: PendingCalls,
  object: number,
  flags: number,
  answer: Answer,
): Reply {
  const all = openings(pending);
  if (all.size >= MOST_WAITING) return fail(Errno.ENFILE);
  const place = openText(AT_FDCWD, `/proc/self/fd/${object}`, O_PATH | O_CLOEXEC, 0);
  if (place < 0) return fail(-place);
  const opening: Opening = { all, place, flags, result: undefined, wanted: true };
  all.add(opening);
  begin(opening);
  pending.add(new WaitingOpen(referral.detach(), opening, answer));
  return PENDING;
}

function begin(opening: Opening): void {
  openTextAsync(AT_FDCWD, `/proc/self/fd/${opening.place}`, opening.flags, 0, (result) => {
    if (result === -Errno.EINTR && opening.wanted) {
      begin(opening);
      return;
    }
    close(opening.place);
    opening.result = result;
    if (!opening.wanted) discard(opening);
  });
}
