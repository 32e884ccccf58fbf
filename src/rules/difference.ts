/** What the rules make of a directory that is moved: whether names below it are judged otherwise in the new place. */
import { SLASH } from './bytes.ts';
import { leadAlike, type PlaceAutomaton, type Position } from './place-automaton.ts';

/** How what lies below one directory is judged below another. Both may be true where it is not known. */
export interface Difference {
  /** Something that is denied below the first may be allowed, by the same name, below the second. */
  readonly frees: boolean;
  /** Something that is allowed below the first may be denied, by the same name, below the second. */
  readonly closes: boolean;
}

/** The same bytes, read below one directory and below the other. */
interface Pair {
  readonly from: Position;
  readonly to: Position;
  readonly isInName: boolean;
}

/** So many pairs are looked at: a millisecond or two, once the automaton knows its way. */
const MAX_LOOKS = 4096;
const UNKNOWN: Difference = { frees: true, closes: true };

/**
 * Reads all names at once, in both directories, as far as rules tell the two apart. Never misses a difference; tells of one that
 * there is not only where there is too much to look at, or where no name can be so long.
 * @param denies whether what stands for a rule, 0 for none, is one that denies
 */
export function differenceBetween(
  automaton: PlaceAutomaton,
  from: Uint8Array,
  to: Uint8Array,
  denies: (nearest: number) => boolean,
): Difference {
  const isDenied = (position: Position): boolean => denies(automaton.nearestAt(position));
  const start: Pair = { from: automaton.below(from), to: automaton.below(to), isInName: false };
  let found = differ(denies(start.from.nearest), denies(start.to.nearest));
  // Where both go on alike they differ at most in what they have met before, and that has been judged.
  const queue = leadAlike(start.from, start.to) ? [] : [start];
  const seen = new Set<string>();
  let looks = 0;
  for (const pair of queue) {
    if (pair.isInName) found = either(found, differ(isDenied(pair.from), isDenied(pair.to)));
    if (found.frees && found.closes) break;
    for (const next of successors(automaton, pair)) {
      looks += 1;
      if (looks > MAX_LOOKS) return UNKNOWN;
      if (leadAlike(next.from, next.to)) continue;
      const key = [next.from, next.to].map((position) => keyOf(position, denies)).join();
      if (!seen.has(key)) queue.push(next);
      seen.add(key);
    }
  }
  return found;
}

function differ(before: boolean, after: boolean): Difference {
  return { frees: before && !after, closes: !before && after };
}

function either(one: Difference, other: Difference): Difference {
  return { frees: one.frees || other.frees, closes: one.closes || other.closes };
}

function keyOf({ literal, state, nearest }: Position, denies: (nearest: number) => boolean): string {
  return `${literal} ${state.number} ${denies(nearest)}`;
}

function successors(automaton: PlaceAutomaton, { from, to, isInName }: Pair): Pair[] {
  const pairs = automaton.bytesFrom(from, to).map((byte) => ({
    from: automaton.step(from, byte),
    to: automaton.step(to, byte),
    isInName: byte !== SLASH,
  }));
  // No name is empty.
  return isInName ? pairs : pairs.filter((pair) => pair.isInName);
}
