/** Many paths in one directory become one row that names the directory. */
import type { PathBytes } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';

/** So many paths below a directory are worth a row of their own. */
const MANY = 4;
/** So many directories above a path are thought of: a program may nest thousands. */
const MOST_ABOVE = 128;
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
    for (const key of above(item.path)) {
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

/** The nearest first, each byte a character. */
function above(path: PathBytes): string[] {
  const text = path.toString('latin1');
  const directories: string[] = [];
  let end = text.lastIndexOf('/');
  for (; end > 0 && directories.length < MOST_ABOVE; end = text.lastIndexOf('/', end - 1)) {
    directories.push(text.slice(0, end));
  }
  return directories;
}

/** All directories that hold one of the paths, each byte a character. */
export function directoriesAbove(paths: readonly PathBytes[]): ReadonlySet<string> {
  return new Set(paths.flatMap(above));
}

function isTopLevel(path: PathBytes): boolean {
  return path.lastIndexOf(SLASH) === 0 && !path.equals(SCRATCH);
}
