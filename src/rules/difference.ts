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

/** When so many pairs have been looked at, it is enough: a millisecond or two, once the automaton knows its way. */
const MAX_LOOKS = 4096;
/** So many nodes in the states of a pair count for one look more: all that are kept stay below a few megabytes. */
const NODES_PER_LOOK = 64;

/**
 * Reads all names at once, in both directories, as far as rules tell the two apart. Never misses a difference; tells of one that
 * there is not only where there is too much to look at, or where no name can be so long.
 * @param denies whether what stands for a rule, 0 for none, is one that denies: of two the higher one, if only one does
 */
export function differenceBetween(
  automaton: PlaceAutomaton,
  from: Uint8Array,
  to: Uint8Array,
  denies: (nearest: number) => boolean,
): Difference {
  const start: Pair = { from: automaton.below(from), to: automaton.below(to), isInName: false };
  let found = differ(denies(start.from.nearest), denies(start.to.nearest));
  const queue: Pair[] = [];
  const seen = new Set<string>();
  let looks = 0;
  const note = (pair: Pair): void => {
    const nodes = pair.from.state.nodes.length + pair.to.state.nodes.length;
    looks += 1 + Math.floor(nodes / NODES_PER_LOOK);
    if (!mayTellMore(automaton, pair, found, denies)) return;
    const key = [pair.from, pair.to].map((position) => keyOf(position, denies)).join();
    if (!seen.has(key)) queue.push(pair);
    seen.add(key);
  };
  note(start);
  for (const pair of queue) {
    const [before, after] = [automaton.nearestAt(pair.from), automaton.nearestAt(pair.to)];
    if (pair.isInName) found = either(found, differ(denies(before), denies(after)));
    if (!mayTellMore(automaton, pair, found, denies)) continue;
    if (looks > MAX_LOOKS) return either(found, mayDiffer(automaton, start, denies));
    successors(automaton, pair).forEach(note);
  }
  return found;
}

/** Whether names that go on from here may differ in a way that is not known yet. */
function mayTellMore(
  automaton: PlaceAutomaton,
  pair: Pair,
  found: Difference,
  denies: (nearest: number) => boolean,
): boolean {
  // Where both go on alike they differ at most in what they have met before, and that has been judged.
  if (leadAlike(pair.from, pair.to)) return false;
  const possible = mayDiffer(automaton, pair, denies);
  return (possible.frees && !found.frees) || (possible.closes && !found.closes);
}

/** What can be said without reading on: where all is denied, or nothing, no name differs. */
function mayDiffer(
  automaton: PlaceAutomaton,
  { from, to }: Pair,
  denies: (nearest: number) => boolean,
): Difference {
  const [before, after] = [automaton.rangeFrom(from), automaton.rangeFrom(to)];
  return {
    frees: denies(before.highest) && !denies(after.lowest),
    closes: !denies(before.lowest) && denies(after.highest),
  };
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
