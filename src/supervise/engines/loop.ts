/**
 * The supervisor's loop: waits for referrals and for the end of the sandbox, and lets Node's event loop have its turn
 * when something is there for it. The main thread blocks in poll(2), so nothing is spent while nothing happens.
 */
import { Errno, SyscallError } from '../../linux/errno.ts';
import { eventLoopDescriptor, poll } from '../../linux/libc.ts';
import type { NotifyListener } from './notify.ts';
import { answer, type Handler } from '../handlers.ts';
import type { PendingCalls } from '../pending.ts';
import { endWatch } from '../watch.ts';

const POLLIN = 1;
const POLLERR = 8;
const POLLHUP = 16;
/** A signal, or memory that is short for a moment. */
const PASSING = new Set<number>([Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM]);
/** How long a signal may wait where the event loop's descriptor is not to be had. */
const WITHOUT_EVENT_LOOP = 50;

/** A descriptor that the loop watches besides; `ready` is called when it is readable or hung up. */
export interface Watched {
  readonly descriptor: number;
  /** False: no need to watch it any more. */
  readonly ready: () => boolean;
}

/**
 * Answers referrals until no process is left that could send one and `finished` says so too.
 * `turn` is called after the event loop had its turn.
 */
export async function superviseUntil(
  listener: NotifyListener,
  handlers: ReadonlyMap<number, Handler>,
  pending: PendingCalls,
  watched: readonly Watched[],
  finished: () => boolean,
  turn: () => void,
  fault: (error: unknown) => void,
): Promise<void> {
  const eventLoop = eventLoopDescriptor();
  const active = [...watched];
  let listening = true;
  // Signal handlers are made known to the event loop's descriptor only when the loop runs once.
  await eventLoopTurn();
  turn();
  while (listening || !finished()) {
    const { version } = pending;
    const firstPending = 2 + active.length;
    const set = new PollSet([
      { descriptor: listening ? listener.descriptor : -1, events: POLLIN },
      { descriptor: eventLoop, events: POLLIN },
      ...active.map(({ descriptor }) => ({ descriptor, events: POLLIN })),
      ...pending.watched(),
    ]);
    let changed = false;
    while (!changed && version === pending.version) {
      set.wait(earlier(eventLoop < 0 ? WITHOUT_EVENT_LOOP : -1, pending.timeout()));
      pending.turn((index) => set.events(firstPending + index) !== 0);
      const events = set.events(0);
      if ((events & POLLIN) !== 0) {
        const referral = listener.receive();
        if (referral !== undefined) answer(referral, handlers, fault);
      } else if ((events & (POLLHUP | POLLERR)) !== 0) {
        listening = false;
        pending.drop();
        changed = true;
      }
      for (let index = active.length - 1; index >= 0; index -= 1) {
        if (set.events(index + 2) === 0 || active[index]?.ready() === true) continue;
        active.splice(index, 1);
        changed = true;
      }
      if (set.events(1) !== 0 || eventLoop < 0) {
        await eventLoopTurn();
        turn();
        changed = true;
      }
    }
  }
}

/** Of two timeouts of poll(2), of which -1 means none. */
function earlier(one: number, other: number): number {
  if (one < 0) return other;
  return other < 0 ? one : Math.min(one, other);
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** An array of struct pollfd (poll(2)). */
class PollSet {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #count: number;

  constructor(entries: readonly { readonly descriptor: number; readonly events: number }[]) {
    this.#count = entries.length;
    this.#bytes = new Uint8Array(8 * this.#count);
    this.#view = new DataView(this.#bytes.buffer);
    for (const [index, { descriptor, events }] of entries.entries()) {
      this.#view.setInt32(8 * index, descriptor, true);
      this.#view.setInt16(8 * index + 4, events, true);
    }
  }

  /** Waits for an event; an interruption counts as none. Throws a SyscallError where waiting is not to be had. */
  wait(timeout: number): void {
    const result = poll(this.#bytes, this.#count, timeout);
    if (result >= 0) return;
    if (!PASSING.has(-result)) throw new SyscallError('poll', -result);
    endWatch();
    for (let index = 0; index < this.#count; index += 1) this.#view.setInt16(8 * index + 6, 0, true);
  }

  events(index: number): number {
    return this.#view.getInt16(8 * index + 6, true);
  }
}
