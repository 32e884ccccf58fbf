/** "Did you mean": the known name nearest to a misspelt one. */

/** A distance beyond a third of the word is no slip of the fingers. */
const LETTERS_PER_SLIP = 3;
const SHORTEST_PREFIX = 3;

/** Undefined where nothing is near. A word that starts a name counts as near it: `--write` is `--write-allow`. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const limit = Math.ceil(word.length / LETTERS_PER_SLIP);
  const ranked = names
    .map((name) => ({ name, distance: isPrefix(word, name) ? 0 : editDistance(word, name, limit) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.name;
}

/**
 * Damerau–Levenshtein distance, optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
 * Words whose lengths differ by more than the limit are not compared, so that a long word costs nothing.
 */
export function editDistance(a: string, b: string, limit: number = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(substitution, swap, at(last, j) + 1, at(row, j - 1) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function isPrefix(word: string, name: string): boolean {
  return word.length >= SHORTEST_PREFIX && name.startsWith(word);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
