/**
 * What looks names up for one sandbox, behind one descriptor of the loop's: however much of it is ready, it gets one turn after the other
 * as everybody does, so that a flood of questions slows down nobody but who asks them.
 */
import { InterestList, type Ready } from '../../interest-list.ts';
import type { Watching } from './watching.ts';

/** A few tenths of a millisecond each. */
const AT_ONCE = 8;

export class OwnTurn implements Watching {
  readonly #watching: Watching;
  readonly #failed: (error: unknown) => void;
  readonly #watched = new InterestList();

  /**
   * Throws a SyscallError.
   * @param failed told of faults of ours, which are nobody else's
   */
  constructor(watching: Watching, failed: (error: unknown) => void) {
    this.#watching = watching;
    this.#failed = failed;
    try {
      watching.watch(this.#watched.descriptor, () => this.#turn());
    } catch (error) {
      this.#watched.close();
      throw error;
    }
  }

  watch(descriptor: number, ready: Ready, events?: number): void {
    this.#watched.watch(descriptor, ready, events);
  }

  unwatch(descriptor: number): void {
    this.#watched.unwatch(descriptor);
  }

  release(): void {
    this.#watching.unwatch(this.#watched.descriptor);
    this.#watched.close();
  }

  #turn(): void {
    try {
      this.#watched.goOn(this.#watched.wait(0, AT_ONCE));
    } catch (error) {
      this.#failed(error);
    }
  }
}
