/** The symbolic links that the kernel follows on its way to a path (path_resolution(7)). */
import { lstatSync, readlinkSync } from 'node:fs';
import { Errno } from '../linux/errno.ts';
import { absolutePath, lookupError, refuseOurOwn, refuseUnspeakable, splitPath } from './paths.ts';
import type { PathBytes } from './policy.ts';

const SLASH = '/';
/** As many as the kernel follows. */
const MAX_LINKS = 40;

/** Where each of them lies, as the kernel names it, up to where the look-up fails. The path is absolute, dots and all. */
export function linksOnTheWay(path: PathBytes): PathBytes[] {
  return wayOf(path).links;
}

/**
 * The same, and the place that the path leads to. What does not exist is taken for directories that may come into being.
 */
export function wayOf(path: PathBytes): Way {
  return new Ways().of(path);
}

export interface Way {
  readonly links: PathBytes[];
  readonly place: PathBytes;
}

/** The ways to many paths, looked up at one time: what several of them lead through is looked at once. */
export class Ways {
  readonly #looked = new Map<string, Buffer | undefined>();
  /** To directories, as they were written. */
  readonly #directories = new Map<string, Way>();

  /** As `wayOf`. */
  of(path: PathBytes): Way {
    const text = path.toString('latin1');
    const slash = text.lastIndexOf(SLASH);
    const name = text.slice(slash + 1);
    if (slash < 1 || name === '' || name === '.' || name === '..') return follow(path, this.#targetOf);
    const above = this.#directory(text.slice(0, slash));
    const entry = entryOf(above.place, name);
    if (this.#targetOf(entry) === undefined) return { links: above.links, place: entry };
    return follow(path, this.#targetOf);
  }

  #directory(written: string): Way {
    const known = this.#directories.get(written);
    if (known !== undefined) return known;
    const way = this.of(Buffer.from(written, 'latin1'));
    this.#directories.set(written, way);
    return way;
  }

  readonly #targetOf = (entry: PathBytes): Buffer | undefined => {
    const key = entry.toString('latin1');
    const known = this.#looked.get(key);
    if (known !== undefined || this.#looked.has(key)) return known;
    const target = linkTarget(entry);
    this.#looked.set(key, target);
    return target;
  };
}

/**
 * The place that a person names by a path, of which nothing needs to exist, and the links on the way. Throws a ValueError.
 * @param base where a relative one starts; undefined: the current directory
 */
export function resolveMissing(path: Buffer, base?: PathBytes, ways: Ways = new Ways()): Way {
  refuseUnspeakable(path);
  const way = ways.of(absolutePath(path, base));
  if (way.links.length > MAX_LINKS) throw lookupError(Errno.ELOOP);
  refuseOurOwn(way.place);
  return way;
}

function follow(path: PathBytes, targetOf: (entry: PathBytes) => Buffer | undefined): Way {
  const links: PathBytes[] = [];
  let here: PathBytes = Buffer.from(SLASH);
  const ahead = componentsOf(path);
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '..') here = splitPath(here).parent;
    if (name === '..' || name === '.') continue;
    const entry = entryOf(here, name);
    const target = targetOf(entry);
    if (target === undefined) {
      here = entry;
      continue;
    }
    links.push(entry);
    if (links.length > MAX_LINKS) break;
    if (target.toString('latin1', 0, 1) === SLASH) here = Buffer.from(SLASH);
    ahead.unshift(...componentsOf(target));
  }
  return { links, place: here };
}

function entryOf(directory: PathBytes, name: string): PathBytes {
  return Buffer.concat([directory, Buffer.from(`${directory.length === 1 ? '' : SLASH}${name}`, 'latin1')]);
}

/** Bytes as characters (latin1). */
function componentsOf(path: Buffer): string[] {
  return path
    .toString('latin1')
    .split(SLASH)
    .filter((name) => name !== '');
}

/** Undefined where no symbolic link is, or none that can be looked at: nobody gets through there. */
function linkTarget(path: PathBytes): Buffer | undefined {
  try {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? readlinkSync(path, { encoding: 'buffer' }) : undefined;
  } catch {
    return undefined;
  }
}
