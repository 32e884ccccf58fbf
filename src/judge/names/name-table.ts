/**
 * The names that addresses were given out for: an answer is good for its time to live and a grace, since programs keep addresses. Bounded:
 * who has many names answered has the oldest forgotten, which refuses connections and allows none.
 */
import type { AddressBytes } from '../../policy/addresses.ts';
import type { KnownNames } from '../known-names.ts';

/** An hour. */
export const GRACE = 3_600_000;
/** A week: no longer is an answer believed, whatever it says (RFC 8767). */
const LONGEST = 604_800_000;
const MOST_PAIRS = 16_384;
/** Of one address: all of them are gone through whenever somebody connects to it, or is refused. */
const MOST_NAMES = 256;
const NONE: readonly string[] = [];

/** By the milliseconds when they are forgotten. */
type Names = Map<string, number>;

export class NameTable implements KnownNames {
  readonly #byAddress = new Map<string, Names>();
  readonly #most: number;
  readonly #now: () => number;
  #pairs = 0;

  /**
   * @param now a clock of milliseconds that never goes back
   * @param most pairs of an address and a name
   */
  constructor(now: () => number = () => performance.now(), most = MOST_PAIRS) {
    this.#now = now;
    this.#most = most;
  }

  /** How many pairs of an address and a name are kept. */
  get size(): number {
    return this.#pairs;
  }

  /** @param timeToLive in seconds; Infinity: it stays, as what a file says */
  note(name: string, address: AddressBytes, timeToLive: number): void {
    const key = keyOf(address);
    const names: Names = this.#byAddress.get(key) ?? new Map<string, number>();
    const before = names.get(name);
    const kept =
      timeToLive === Infinity ? Infinity : Math.min(Math.max(0, timeToLive) * 1000, LONGEST) + GRACE;
    // The order is by age: what is given out again is young again.
    this.#byAddress.delete(key);
    this.#byAddress.set(key, names);
    names.delete(name);
    names.set(name, Math.max(before ?? 0, this.#now() + kept));
    if (before === undefined) this.#pairs += 1;
    if (names.size > MOST_NAMES) this.#forgetOldest(names);
    if (this.#pairs > this.#most) this.#makeRoom(key);
  }

  namesOf(address: AddressBytes): readonly string[] {
    const names = this.#byAddress.get(keyOf(address));
    if (names === undefined) return NONE;
    const now = this.#now();
    let isAnyOver = false;
    for (const end of names.values()) isAnyOver ||= end <= now;
    if (isAnyOver) this.#forget(keyOf(address), names, (end) => end <= now);
    return [...names.keys()];
  }

  #forgetOldest(names: Names): void {
    for (const [name, end] of names) {
      if (end === Infinity) continue;
      names.delete(name);
      this.#pairs -= 1;
      return;
    }
  }

  /** A tenth at a time, so that it is rarely done. */
  #makeRoom(last: string): void {
    const now = this.#now();
    const room = Math.floor(0.9 * this.#most);
    for (const [key, names] of this.#byAddress) this.#forget(key, names, (end) => end <= now);
    for (const [key, names] of this.#byAddress) {
      if (this.#pairs <= room) return;
      if (key !== last) this.#forget(key, names, (end) => end !== Infinity);
    }
    // One address alone has that many names.
    const names = this.#byAddress.get(last);
    for (const name of names?.keys() ?? []) {
      if (this.#pairs <= room) return;
      if (names?.delete(name) === true) this.#pairs -= 1;
    }
  }

  #forget(key: string, names: Names, isOver: (end: number) => boolean): void {
    for (const [name, end] of names) {
      if (!isOver(end)) continue;
      names.delete(name);
      this.#pairs -= 1;
    }
    if (names.size === 0) this.#byAddress.delete(key);
  }
}

function keyOf(address: AddressBytes): string {
  return Buffer.from(address.buffer, address.byteOffset, address.byteLength).toString('latin1');
}
