/**
 * What the sandbox made in directories that it shares with others, known by the objects themselves (file-identity.ts). Where a
 * file system cannot tell one that has an inode number from the next, what was made is kept open, so that none comes next.
 */
import type { Makers } from '../../judge/own-directories.ts';
import type { Place } from '../../judge/place.ts';
import { Errno } from '../../linux/errno.ts';
import { fileIdentity } from '../../linux/file-identity.ts';
import { O_NOFOLLOW, S_IFDIR, S_IFMT, fileMode, fstat, openPath, openPathText } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { birthTime } from '../../linux/statx.ts';
import type { ResolvedEntry } from '../target/resolved.ts';

/** Beyond these the oldest are forgotten, which refuses changes and allows none. */
const MOST_KNOWN = 200_000;
const MOST_HELD = 2000;

export class MadeFiles implements Makers {
  readonly #known = new Set<string>();
  /** Kept open, by their keys. */
  readonly #held = new Map<string, number>();

  /** Remembers an open object (O_PATH will do), which stays the caller's. */
  add(descriptor: number): void {
    const identity = fileIdentity(descriptor);
    if (identity === undefined) return;
    if (identity.forEver) {
      this.#known.delete(identity.key);
      this.#known.add(identity.key);
      for (const oldest of this.#known) {
        if (this.#known.size <= MOST_KNOWN) break;
        this.#known.delete(oldest);
      }
    } else this.#hold(identity.key, descriptor);
  }

  /**
   * Remembers what has just been made under a name, where it can be seen that nothing older has come there since.
   * @param before the time just before it was made (statx.ts)
   * @param type of file that was made (S_IFMT)
   */
  addEntry(entry: ResolvedEntry, before: number, type: number): void {
    const made = openPath(entry.directory, entry.name, O_NOFOLLOW);
    if (made < 0) return;
    const born = birthTime(made);
    const isNew = born !== undefined && born >= before;
    if (isNew && (fileMode(made) & S_IFMT) === type) this.add(made);
    close(made);
  }

  has(descriptor: number): boolean {
    if (this.#known.size === 0 && this.#held.size === 0) return false;
    const identity = fileIdentity(descriptor);
    if (identity === undefined) return false;
    return identity.forEver ? this.#known.has(identity.key) : this.#held.has(identity.key);
  }

  made(place: Place): boolean {
    if (isObject(place)) return this.has(place.descriptor);
    return isEntry(place) && this.#ofEntry(place, (found) => found >= 0 && this.has(found));
  }

  madeFile(place: Place): boolean {
    const isOwnFile = (found: number): boolean => (fileMode(found) & S_IFMT) !== S_IFDIR && this.has(found);
    if (isObject(place)) return isOwnFile(place.descriptor);
    return isEntry(place) && this.#ofEntry(place, (found) => found >= 0 && isOwnFile(found));
  }

  madeDirectoryOf(place: Place): boolean {
    return isEntry(place) && this.has(place.directory);
  }

  isFree(place: Place): boolean {
    return isEntry(place) && this.#ofEntry(place, (found) => found === -Errno.ENOENT);
  }

  #ofEntry(entry: ResolvedEntry, ask: (found: number) => boolean): boolean {
    const found = openPath(entry.directory, entry.name, O_NOFOLLOW);
    const answer = ask(found);
    if (found >= 0) close(found);
    return answer;
  }

  /** Forgets all, when the sandbox has ended. */
  release(): void {
    for (const held of this.#held.values()) close(held);
    this.#held.clear();
    this.#known.clear();
  }

  #hold(key: string, descriptor: number): void {
    if (this.#held.has(key)) return;
    const own = openPathText(`/proc/self/fd/${descriptor}`);
    if (own < 0) return;
    this.#held.set(key, own);
    if (this.#held.size <= MOST_HELD) return;
    for (const [each, held] of this.#held) {
      const status = fstat(held);
      const isGone = typeof status === 'number' || status.links === 0;
      if (!isGone && this.#held.size <= MOST_HELD) continue;
      this.#held.delete(each);
      close(held);
    }
  }
}

function isObject(place: Place): place is Place & { readonly descriptor: number } {
  return 'descriptor' in place;
}

function isEntry(place: Place): place is ResolvedEntry {
  return 'directory' in place && 'name' in place;
}
