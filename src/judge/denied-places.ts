/**
 * Places inside allowed trees where nothing is changed, whatever else is allowed. A place is a path and all below it; it need not
 * exist: then it does not come into being.
 *
 * Names decide, so no name on the way to such a place may come to mean something else: directories that lead to one are
 * neither moved nor replaced (`leadsTo`).
 */
import type { PathBytes } from '../policy/policy.ts';

export class DeniedPlaces {
  /** Characters are bytes (latin1), here as below. */
  readonly #places: ReadonlySet<string>;
  /** Every directory above a place. */
  readonly #ways = new Set<string>();
  /** Of the longest place: nothing longer need be looked for, of which a deep path has thousands. */
  readonly #longest: number;

  constructor(places: readonly PathBytes[]) {
    this.#places = new Set(places.map((place) => place.toString('latin1')));
    let longest = 0;
    for (const { length } of this.#places) longest = Math.max(longest, length);
    this.#longest = longest;
    for (const place of this.#places) {
      for (let end = place.lastIndexOf('/'); end > 0; end = place.lastIndexOf('/', end - 1))
        this.#ways.add(place.slice(0, end));
    }
  }

  /** True for a place and what lies below it. The path is absolute and as the kernel names it. */
  has(path: Uint8Array): boolean {
    if (this.#places.size === 0) return false;
    const text = textOf(path);
    const last = text.length <= this.#longest ? text.length : text.lastIndexOf('/', this.#longest);
    for (let end = last; end > 0; end = text.lastIndexOf('/', end - 1))
      if (this.#places.has(text.slice(0, end))) return true;
    return false;
  }

  /** True for a directory above a place. */
  leadsTo(path: Uint8Array): boolean {
    return this.#ways.size > 0 && this.#ways.has(textOf(path));
  }
}

function textOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
}
