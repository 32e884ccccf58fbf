/** Stops that were taken and are not yet handled. */
import { Event } from '../../../linux/ptrace.ts';
import { isStopped, stopEvent } from '../../../linux/wait-tracees.ts';

const NOBODY = 0;

export class TakenStops {
  /** Thread and status, in turns. */
  readonly #items: number[] = [];
  #next = 0;

  /** What wait4(2) said of the thread that `next` has returned. */
  status = 0;

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /**
   * A thread that stands cannot stop again, but it can end, or execve(2) of another thread takes over its number. Then the
   * stop before is gone: an answer to it would let the new program go on, and the next answer its first call, unjudged.
   */
  add(tid: number, status: number): void {
    if (!isStopped(status) || stopEvent(status) === Event.exec) this.#forget(tid);
    this.#items.push(tid, status);
  }

  /** The thread of the oldest stop, which is to be handled now; 0: there is none left. */
  next(): number {
    while (this.#next < this.#items.length) {
      const tid = this.#items[this.#next] ?? NOBODY;
      this.status = this.#items[this.#next + 1] ?? 0;
      this.#next += 2;
      if (tid !== NOBODY) return tid;
    }
    this.#items.length = 0;
    this.#next = 0;
    return NOBODY;
  }

  #forget(tid: number): void {
    for (let index = this.#next; index < this.#items.length; index += 2) {
      if (this.#items[index] === tid) this.#items[index] = NOBODY;
    }
  }
}
