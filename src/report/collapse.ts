/** Many paths in one directory become one row that names the directory. */
import { splitPath } from '../policy/paths.ts';
import type { PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';

/** So many paths below a directory are worth a row of their own. */
const MANY = 4;
const ROOT_LENGTH = 1;
const SLASH = 0x2f;
/** Of the directories in the root, only this one is a scratch place as a whole. */
const SCRATCH = Buffer.from('/tmp');

export interface Directory<Item> {
  readonly path: PathBytes;
  readonly items: readonly Item[];
}

/**
 * The deepest directories that hold many of the items. `isTooWide` says which directories are not to be named as a whole.
 * Items that lie in none of them come back as they are.
 */
export function collapse<Item extends { readonly path: PathBytes }>(
  items: readonly Item[],
  isTooWide: (directory: PathBytes) => boolean,
): { readonly directories: readonly Directory<Item>[]; readonly rest: readonly Item[] } {
  const byDirectory = new Map<string, Item[]>();
  for (const item of items) {
    for (const directory of directoriesAbove(item.path)) {
      const key = directory.toString('latin1');
      const inside = byDirectory.get(key);
      if (inside) inside.push(item);
      else byDirectory.set(key, [item]);
    }
  }
  const candidates = [...byDirectory]
    .filter(([, inside]) => inside.length >= MANY)
    .map(([key, inside]) => ({ path: Buffer.from(key, 'latin1'), items: inside }))
    .filter(({ path }) => !isTopLevel(path) && !isTooWide(path))
    .toSorted((a, b) => b.path.length - a.path.length);
  const chosen: Directory<Item>[] = [];
  const taken = new Set<Item>();
  for (const { path, items: inside } of candidates) {
    const left = inside.filter((item) => !taken.has(item));
    // What lies in a directory that was chosen already needs no wider one.
    if (left.length < MANY || chosen.some((other) => isWithin(other.path, path))) continue;
    for (const item of left) taken.add(item);
    chosen.push({ path, items: left });
  }
  return { directories: chosen, rest: items.filter((item) => !taken.has(item)) };
}

function directoriesAbove(path: PathBytes): PathBytes[] {
  const directories: PathBytes[] = [];
  for (let { parent } = splitPath(path); parent.length > ROOT_LENGTH; { parent } = splitPath(parent)) {
    directories.push(parent);
  }
  return directories;
}

function isTopLevel(path: PathBytes): boolean {
  return path.lastIndexOf(SLASH) === 0 && !path.equals(SCRATCH);
}
