/**
 * What a watched command made in directories that it shares with others, and what it did to that later: under `--own-tmp` it needs no
 * place that is named, which would be another the next time.
 */
import { splitPath } from '../../policy/paths.ts';
import { SHARED_MEMORY, TEMPORARY, type PathBytes } from '../../policy/policy.ts';
import { isWithin } from '../../policy/within.ts';

/** A command that makes names without end does not fill memory: what is more is noted by its place. */
const MOST_NAMES = 10_000;

export class OwnNames {
  /** Characters are bytes (latin1). */
  readonly #names = new Set<string>();
  /** How often something was made or changed that `--own-tmp` allows. */
  count = 0;

  /** Something was made under a name, or moved there. True where it is the command's own from then on. */
  made(path: PathBytes): boolean {
    const { parent } = splitPath(path);
    if (this.changed(parent)) return true;
    const isShared = [...TEMPORARY, SHARED_MEMORY].some((directory) => directory.equals(parent));
    if (!isShared || this.#names.size >= MOST_NAMES) return false;
    this.#names.add(path.toString('latin1'));
    this.#note(path);
    return true;
  }

  /** True for what was made so before, and for what lies in it. */
  changed(path: PathBytes): boolean {
    if (!this.has(path)) return false;
    this.#note(path);
    return true;
  }

  /** The same, where the name is gone from now on. */
  removed(path: PathBytes): boolean {
    const isOwn = this.changed(path);
    this.#names.delete(path.toString('latin1'));
    return isOwn;
  }

  /** True for what was made so before, and for what lies in it. */
  has(path: PathBytes): boolean {
    const text = path.toString('latin1');
    for (let end = text.length; end > 0; end = text.lastIndexOf('/', end - 1))
      if (this.#names.has(text.slice(0, end))) return true;
    return false;
  }

  /** What is made in shared memory is one's own without an option. */
  #note(path: PathBytes): void {
    if (!isWithin(path, SHARED_MEMORY)) this.count += 1;
  }
}
