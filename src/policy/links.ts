/** The symbolic links that the kernel follows on its way to a path (path_resolution(7)). */
import { lstatSync, readlinkSync } from 'node:fs';
import { splitPath } from './paths.ts';
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

  /** As `wayOf`. */
  of(path: PathBytes): Way {
    return follow(path, (entry) => {
      const key = entry.toString('latin1');
      const known = this.#looked.get(key);
      if (known !== undefined || this.#looked.has(key)) return known;
      const target = linkTarget(entry);
      this.#looked.set(key, target);
      return target;
    });
  }
}

function follow(path: PathBytes, targetOf: (entry: PathBytes) => Buffer | undefined): Way {
  const links: PathBytes[] = [];
  let here: PathBytes = Buffer.from(SLASH);
  const ahead = componentsOf(path);
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '..') here = splitPath(here).parent;
    if (name === '..' || name === '.') continue;
    const entry = Buffer.concat([here, Buffer.from(`${here.length === 1 ? '' : SLASH}${name}`, 'latin1')]);
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
