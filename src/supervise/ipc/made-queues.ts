/**
 * Which POSIX message queues the sandbox made. A queue is never renamed and has no second name (mqueue has no such calls), so one
 * that has a name still has the one that it was made with. Each is held by an O_PATH descriptor, which tells that; what uses
 * an inode number later is nothing to go by.
 */
import { fstat, openPathText } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';

/** Beyond these the oldest are forgotten, which closes them. Who may not pass the system's limits has 256 (mq_overview(7)). */
const MOST_HELD = 1000;

export class MadeQueues {
  /** By name, each open. */
  readonly #held = new Map<string, number>();

  /** Remembers a queue that has just been made under this name. The descriptor stays the caller's. */
  add(name: string, descriptor: number): void {
    this.forget(name);
    const own = openPathText(`/proc/self/fd/${descriptor}`);
    if (own < 0) return;
    this.#held.set(name, own);
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= MOST_HELD) break;
      this.forget(oldest);
    }
  }

  /** True where the name leads to a queue that was made inside. */
  has(name: string): boolean {
    const held = this.#held.get(name);
    if (held === undefined) return false;
    if (hasName(held)) return true;
    this.forget(name);
    return false;
  }

  forget(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    close(held);
  }

  /** The sandbox is over: what it made is nobody's, and is held no longer. */
  release(): void {
    for (const name of this.#held.keys()) this.forget(name);
  }

  /** Lets go of those that somebody else has removed: as long as they are held their user is charged (RLIMIT_MSGQUEUE). */
  releaseRemoved(): void {
    for (const [name, held] of this.#held) if (!hasName(held)) this.forget(name);
  }
}

function hasName(descriptor: number): boolean {
  const status = fstat(descriptor);
  return typeof status !== 'number' && status.links > 0;
}
