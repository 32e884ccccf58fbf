/**
 * Descriptors of the supervisor's own that the tracer is to hear of. It waits in wait4(2) alone, so the waker polls for it: one descriptor,
 * behind which there are these and the event loop's.
 */
import { Epoll } from '../../../linux/epoll.ts';
import type { Watching } from '../../network/names/watching.ts';

export class OwnSources implements Watching {
  readonly #epoll = new Epoll();
  readonly #ready = new Map<number, () => void>();
  readonly #keys = new Map<number, number>();
  #lastKey = 0;

  /** Throws a SyscallError. */
  constructor(eventLoop: number) {
    if (eventLoop >= 0) this.#epoll.add(eventLoop, 0);
  }

  /** Readable while anything has happened. */
  get descriptor(): number {
    return this.#epoll.descriptor;
  }

  watch(descriptor: number, ready: () => void, events?: number): void {
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

  /** Goes on with what is ready. */
  turn(): void {
    const count = this.#epoll.wait(0);
    const keys = Array.from({ length: Math.max(0, count) }, (_, index) => this.#epoll.key(index));
    for (const key of keys) this.#ready.get(key)?.();
  }
}
