/** Descriptors that are watched (epoll(7), "interest list"), each with what is to be done when it is ready. */
import { Epoll } from '../linux/epoll.ts';

/** @param events what has come about: EPOLLIN and the like */
export type Ready = (events: number) => void;

export class InterestList {
  readonly #epoll = new Epoll();
  readonly #ready = new Map<number, Ready>();
  readonly #keys = new Map<number, number>();
  #lastKey = 0;

  /** Readable while any of them is ready, so that a list may be watched by another one. */
  get descriptor(): number {
    return this.#epoll.descriptor;
  }

  /**
   * Calls `ready` each time that a descriptor is readable or hung up, until `unwatch`. Throws a SyscallError.
   * @param awaited what it is watched for in place of that (epoll_ctl(2))
   */
  watch(descriptor: number, ready: Ready, awaited?: number): void {
    // Never used again: an event that is out already may be of somebody who has gone meanwhile.
    this.#lastKey += 1;
    this.#epoll.add(descriptor, this.#lastKey, awaited);
    this.#ready.set(this.#lastKey, ready);
    this.#keys.set(descriptor, this.#lastKey);
  }

  /** To be called before the descriptor is closed. */
  unwatch(descriptor: number): void {
    const key = this.#keys.get(descriptor);
    if (key === undefined) return;
    this.#epoll.remove(descriptor);
    this.#keys.delete(descriptor);
    this.#ready.delete(key);
  }

  /**
   * Waits, for so many milliseconds at most (-1: for ever). How many are ready, for `goOn`, or a negated error number.
   * @param most of them at once; the others have their turn with the next wait
   */
  wait(timeout: number, most?: number): number {
    return this.#epoll.wait(timeout, most);
  }

  /** Goes on with so many that are ready, one after the other. They may watch and unwatch; they do not wait. */
  goOn(count: number): void {
    // What is watched meanwhile is written over the first event, which has been read by then.
    for (let index = 0; index < count; index += 1)
      this.#ready.get(this.#epoll.key(index))?.(this.#epoll.events(index));
  }

  close(): void {
    this.#epoll.close();
  }
}
