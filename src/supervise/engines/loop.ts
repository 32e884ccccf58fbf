/**
 * The supervisor's loop: waits for referrals of its sandboxes and for what else happens to them, and lets Node's event loop have
 * its turn when something is there for it. The main thread blocks in epoll_wait(2), so nothing is spent while nothing happens.
 * Who is ready gets one turn after the other, however much of it has more to do.
 */
import { EPOLLIN } from '../../linux/epoll.ts';
import { Errno, SyscallError } from '../../linux/errno.ts';
import { eventLoopDescriptor, poll } from '../../linux/libc.ts';
import type { NotifyListener } from './notify.ts';
import { answer, type Handler } from '../handlers.ts';
import { InterestList, type Ready } from '../interest-list.ts';
import type { PendingCalls } from '../pending.ts';
import { endWatch } from '../watch.ts';

const POLLIN = 1;
const POLLFD_SIZE = 8;
/** A signal, or memory that is short for a moment. */
const PASSING = new Set<number>([Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM]);
/** How long a signal may wait where the event loop's descriptor is not to be had. */
const WITHOUT_EVENT_LOOP = 50;

/** A sandbox, as the loop knows it. */
export interface Supervised {
  readonly listener: NotifyListener;
  readonly handlers: ReadonlyMap<number, Handler>;
  readonly pending: PendingCalls;
  /** Told of faults of our own while a referral was handled; the call was refused. */
  readonly fault: (error: unknown) => void;
  /** No process is left that could refer a call. The listener is the owner's to close. */
  readonly emptied: () => void;
}

interface Deferred {
  /** Of performance.now. */
  readonly time: number;
  readonly action: () => void;
}

export class Loop {
  readonly #watched = new InterestList();
  readonly #pending = new PendingSet(this.#watched.descriptor);
  readonly #eventLoop = eventLoopDescriptor();
  readonly #deferred = new Set<Deferred>();
  #isEventLoopReady = false;
  #turnSoon = false;

  /** Throws a SyscallError. */
  constructor() {
    if (this.#eventLoop >= 0) this.watch(this.#eventLoop, () => (this.#isEventLoopReady = true));
  }

  /** Answers the referrals of a sandbox until it is empty. Throws a SyscallError. */
  supervise({ listener, handlers, pending, fault, emptied }: Supervised): void {
    this.watch(listener.descriptor, (events) => {
      if ((events & EPOLLIN) !== 0) {
        const referral = listener.receive();
        if (referral !== undefined) answer(referral, handlers, fault);
        return;
      }
      this.unwatch(listener.descriptor);
      this.#pending.remove(pending);
      pending.drop();
      emptied();
    });
    this.#pending.add(pending);
  }

  /** As an `InterestList` does. Throws a SyscallError. */
  watch(descriptor: number, ready: Ready, awaited?: number): void {
    this.#watched.watch(descriptor, ready, awaited);
  }

  /** To be called before the descriptor is closed. */
  unwatch(descriptor: number): void {
    this.#watched.unwatch(descriptor);
  }

  /**
   * Does something later, as Node's timers do not while the loop waits. Returns what takes it back.
   * @param milliseconds at least so many from now
   */
  later(milliseconds: number, action: () => void): () => void {
    const deferred = { time: performance.now() + milliseconds, action };
    this.#deferred.add(deferred);
    return () => this.#deferred.delete(deferred);
  }

  /** Lets the event loop have a turn soon: what was promised in a callback would else wait until it has one anyway. */
  turnSoon(): void {
    this.#turnSoon = true;
  }

  /** Runs until `finished` says so. `turn` is called whenever the event loop had its turn. Throws a SyscallError. */
  async run(finished: () => boolean, turn: () => void): Promise<void> {
    // Signal handlers are made known to the event loop's descriptor only when the loop runs once.
    await eventLoopTurn();
    turn();
    while (!finished()) {
      this.#isEventLoopReady = this.#eventLoop < 0;
      const longest = this.#turnSoon ? 0 : this.#isEventLoopReady ? WITHOUT_EVENT_LOOP : -1;
      this.#watched.goOn(this.#wait(earlier(longest, this.#untilDeferred())));
      if (this.#deferred.size > 0) this.#doDeferred();
      if (this.#isEventLoopReady || this.#turnSoon) {
        this.#turnSoon = false;
        await eventLoopTurn();
        turn();
      }
    }
    this.#watched.close();
  }

  /** Milliseconds until something deferred is due; -1: nothing is. */
  #untilDeferred(): number {
    if (this.#deferred.size === 0) return -1;
    let next = Infinity;
    for (const { time } of this.#deferred) next = Math.min(next, time);
    return Math.max(0, Math.ceil(next - performance.now()));
  }

  #doDeferred(): void {
    const now = performance.now();
    for (const deferred of this.#deferred) {
      if (deferred.time > now) continue;
      this.#deferred.delete(deferred);
      deferred.action();
    }
  }

  /** How many are ready; an interruption counts as none. Throws a SyscallError where waiting is not to be had. */
  #wait(timeout: number): number {
    const others = this.#pending.wait(timeout);
    const result =
      others === 'none' ? this.#watched.wait(timeout) : others < 0 ? others : this.#watched.wait(0);
    if (result >= 0) return result;
    if (!PASSING.has(-result)) throw new SyscallError('epoll_wait', -result);
    endWatch();
    return 0;
  }
}

/** The calls that wait, of all sandboxes. Their descriptors come and go, and are few: poll(2) takes them as they are. */
class PendingSet {
  readonly #epoll: number;
  readonly #all: PendingCalls[] = [];
  /** An array of struct pollfd: the epoll instance, then what each of `#all` watches. */
  #set = Buffer.alloc(0);
  /** Where those of each begin. */
  #firsts: number[] = [];
  /** What the set was made from: versions only ever grow. */
  #versions = -1;

  constructor(epoll: number) {
    this.#epoll = epoll;
  }

  add(calls: PendingCalls): void {
    this.#all.push(calls);
    this.#versions = -1;
  }

  remove(calls: PendingCalls): void {
    this.#all.splice(this.#all.indexOf(calls), 1);
    this.#versions = -1;
  }

  /** Waits for these and for the epoll instance, and goes on with them; 'none' when there are none. Else as poll(2). */
  wait(longest: number): number | 'none' {
    let timeout = longest;
    let [isEmpty, versions] = [true, 0];
    for (const calls of this.#all) {
      versions += calls.version;
      if (calls.size === 0) continue;
      isEmpty = false;
      timeout = earlier(timeout, calls.timeout());
    }
    if (isEmpty) return 'none';
    if (versions !== this.#versions) this.#build(versions);
    const result = poll(this.#set, this.#set.length / POLLFD_SIZE, timeout);
    for (const [index, calls] of this.#all.entries()) {
      const first = this.#firsts[index] ?? 0;
      calls.turn((place) => result > 0 && this.#set.readInt16LE(POLLFD_SIZE * (first + place) + 6) !== 0);
    }
    return result;
  }

  #build(versions: number): void {
    const entries = [{ descriptor: this.#epoll, events: POLLIN }];
    this.#firsts = this.#all.map((calls) => {
      const first = entries.length;
      entries.push(...calls.watched());
      return first;
    });
    this.#set = Buffer.alloc(POLLFD_SIZE * entries.length);
    for (const [index, { descriptor, events }] of entries.entries()) {
      this.#set.writeInt32LE(descriptor, POLLFD_SIZE * index);
      this.#set.writeInt16LE(events, POLLFD_SIZE * index + 4);
    }
    this.#versions = versions;
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
