/**
 * What looks names up for one sandbox, behind one descriptor of the loop's: however much of it is ready, it gets one turn after the other
 * as everybody does, so that a flood of questions slows down nobody but who asks them.
 */
import { Epoll } from '../../../linux/epoll.ts';
import type { Watching } from './watching.ts';

/** A few tenths of a millisecond each. */
const AT_ONCE = 8;

export class OwnTurn implements Watching {
  readonly #watching: Watching;
  readonly #failed: (error: unknown) => void;
  readonly #epoll = new Epoll();
  readonly #ready = new Map<number, () => void>();
  readonly #keys = new Map<number, number>();
  #lastKey = 0;

  /**
   * Throws a SyscallError.
   * @param failed told of faults of ours, which are nobody else's
   */
  constructor(watching: Watching, failed: (error: unknown) => void) {
    this.#watching = watching;
    this.#failed = failed;
    try {
      watching.watch(this.#epoll.descriptor, () => this.#turn());
    } catch (error) {
      this.#epoll.close();
      throw error;
    }
  }

  watch(descriptor: number, ready: () => void, events?: number): void {
    // Never used again, as in the loop itself.
    this.#lastKey += 1;
    this.#epoll.add(descriptor, this.#lastKey, events);
    this.#ready.set(this.#lastKey, ready);
    this.#keys.set(descriptor, this.#lastKey);
  }

  unwatch(descriptor: number): void {
    const key = this.#keys.get(descriptor);
    if (key === undefined) return;
    this.#epoll.remove(descriptor);
    this.#keys.delete(descriptor);
    this.#ready.delete(key);
  }

  release(): void {
    this.#watching.unwatch(this.#epoll.descriptor);
    this.#epoll.close();
  }

  #turn(): void {
    const count = this.#epoll.wait(0, AT_ONCE);
    const keys = Array.from({ length: Math.max(0, count) }, (_, index) => this.#epoll.key(index));
    try {
      for (const key of keys) this.#ready.get(key)?.();
    } catch (error) {
      this.#failed(error);
    }
  }
}
