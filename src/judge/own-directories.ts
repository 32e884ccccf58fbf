/**
 * Directories that the sandbox shares with others: names are made there, and what the sandbox has made is changed and removed;
 * all else there stays closed. A directory that was made inside is such a directory too, as long as it lies below one.
 *
 * Names say where something lies, and who made it is told by the object itself, whatever it is called.
 */
import type { PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import type { Place } from './place.ts';

/** Who knows what was made inside. */
export interface Makers {
  /** An object was made in the sandbox; of an entry: what stands there was. */
  made(place: Place): boolean;
  /** The same of what is no directory, in which others may have put something since. */
  madeFile(place: Place): boolean;
  /** The directory of an entry was made in the sandbox. */
  madeDirectoryOf(place: Place): boolean;
  /** Nothing stands where an entry is. */
  isFree(place: Place): boolean;
}

const SLASH = 0x2f;
const NAME_OF_ROOT = 1;

export class OwnDirectories {
  readonly #directories: readonly PathBytes[];
  readonly #makers: Makers;
  /** Where interfaces of the kernel are mounted: nothing there is anybody's own. */
  readonly #interfaces: readonly PathBytes[];

  constructor(directories: readonly PathBytes[], makers: Makers, interfaces: readonly PathBytes[] = []) {
    this.#directories = directories;
    this.#makers = makers;
    this.#interfaces = interfaces;
  }

  /** True where a new name may be made. */
  allowsNew(place: Place): boolean {
    if (!this.isBelow(place.path)) return false;
    return this.has(parentOf(place.path)) || this.#makers.madeDirectoryOf(place);
  }

  /** True for what was made inside. */
  allowsChange(place: Place): boolean {
    return this.isBelow(place.path) && this.#makers.made(place);
  }

  /** True for the same, and for a name where there is nothing yet. */
  allowsReading(place: Place): boolean {
    return this.isBelow(place.path) && (this.#makers.made(place) || this.#makers.isFree(place));
  }

  /** True where a file is what was made inside: moved elsewhere it is still that. */
  holdsOwnFile(place: Place): boolean {
    return this.isBelow(place.path) && this.#makers.madeFile(place);
  }

  /** True where a name may be taken away. */
  allowsRemoval(place: Place): boolean {
    return this.allowsNew(place) && this.#makers.made(place);
  }

  /** True where something may be put in the place of what is there, or of nothing. */
  allowsReplacement(place: Place): boolean {
    return this.allowsNew(place) && (this.#makers.isFree(place) || this.#makers.made(place));
  }

  /** True for such a directory itself, which nobody changes but by making names in it. */
  has(path: Uint8Array): boolean {
    return this.#directories.some((directory) => directory.equals(path));
  }

  /** True below such a directory. */
  isBelow(path: Uint8Array): boolean {
    if (path[0] !== SLASH || this.#directories.length === 0) return false;
    const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
    return (
      this.#directories.some((directory) => !directory.equals(bytes) && isWithin(bytes, directory)) &&
      !this.#interfaces.some((tree) => isWithin(bytes, tree))
    );
  }
}

function parentOf(path: Uint8Array): Uint8Array {
  return path.subarray(0, Math.max(path.lastIndexOf(SLASH), NAME_OF_ROOT));
}
