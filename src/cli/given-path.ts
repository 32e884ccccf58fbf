/** Paths that a person wrote, looked up from the place where they were written. */
import { dirname } from 'node:path';
import { linksOnTheWay } from '../policy/links.ts';
import { absolutePath, parseUnixSocket, resolvePath } from '../policy/paths.ts';
import type { PathBytes, UnixSocketName } from '../policy/policy.ts';
import { ValueError } from '../policy/value-error.ts';
import { isWithin } from '../policy/within.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { descriptorNamed, refuseForeign } from './descriptor-name.ts';
import { naming } from './usage-error.ts';

/** What a person wrote, and where: an assignment, or an item of a set. */
export type GivenWord = Pick<Assignment, 'spelling' | 'text' | 'origin'>;

/** A path: absolute, or relative to the directory of the config file that names it, or to the current directory. */
export function givenPath(given: GivenWord): PathBytes {
  return reading(given, () => {
    refuseForeign(descriptorNamed(given.text), '>');
    return resolvePath(toBytes(given.text), baseOf(given));
  });
}

/** A Unix socket, its path likewise. */
export function givenUnixSocket(given: GivenWord): UnixSocketName {
  return reading(given, () => parseUnixSocket(toBytes(given.text), baseOf(given)));
}

/**
 * A check that throws a UsageError where one of the symbolic links on the way to a path lies in an allowed tree: an earlier
 * run may have put it there, so that this one would allow, or write to, what the command likes.
 */
export function refuserOfLinks(
  trees: readonly PathBytes[],
): (given: GivenWord, links: readonly PathBytes[]) => void {
  const changeable = finderOfLinks(trees);
  return (given, links) => {
    const place = changeable(links);
    if (place === undefined) return;
    reading(given, () => {
      const hint = 'a symbolic link there may be the work of the command, name what it leads to';
      throw new ValueError('leads through an allowed tree', { place, hint });
    });
  };
}

/** Finds the first of some links that lies in such a tree. */
export function finderOfLinks(
  trees: readonly PathBytes[],
): (links: readonly PathBytes[]) => PathBytes | undefined {
  // Below an allowed root everything else is allowed as well.
  const changeable = trees.filter((tree) => tree.length > 1);
  const known = new Map<string, boolean>();
  const isChangeable = (link: PathBytes): boolean => {
    const key = link.toString('latin1');
    const is = known.get(key) ?? changeable.some((tree) => isWithin(link, tree));
    known.set(key, is);
    return is;
  };
  return (links) => (changeable.length === 0 ? undefined : links.find(isChangeable));
}

/** The symbolic links on the way from a path as it was written. @param resolved where it leads */
export function linksTo(given: GivenWord, resolved: PathBytes): readonly PathBytes[] {
  const written = absolutePath(toBytes(given.text), baseOf(given));
  return written.equals(resolved) ? [] : linksOnTheWay(written);
}

/** Runs a reader of the assignment's text; what is wrong with it becomes a UsageError. */
export function reading<Value>(given: GivenWord, read: () => Value): Value {
  return naming({ option: given.spelling, word: given.text, origin: given.origin }, read);
}

/** Where a relative path starts; undefined: at the current directory. Looked up only where it counts: the directory of `--config=<(…)` is none that paths could start from. */
export function baseOf({ text, origin }: GivenWord): PathBytes | undefined {
  if (origin.kind === 'command-line' || /^[/@]/.test(text)) return undefined;
  return resolvePath(toBytes(dirname(origin.file.toString('latin1'))));
}
