/** Bytes that no pattern tells apart: one entry in a table does for all of them, which keeps tables short. */

export interface ByteClasses {
  /** The class of each of the 256 bytes, from 0 on. */
  readonly of: Uint8Array;
  /** The bytes of each class. */
  readonly members: readonly (readonly number[])[];
}

/**
 * Every byte that some pattern names has a class of its own; the others share one where they are in the same sets.
 * @param named bytes that stand in patterns by themselves
 * @param sets 256 members each
 */
export function classifyBytes(
  named: ReadonlySet<number>,
  sets: readonly (readonly boolean[])[],
): ByteClasses {
  let keys = numbered(Array.from({ length: 256 }, (_, byte) => (named.has(byte) ? `=${byte}` : '')));
  for (const set of sets) keys = numbered(keys.map((key, byte) => `${key} ${set[byte]}`));
  const members = Array.from({ length: Math.max(...keys) + 1 }, (): number[] => []);
  keys.forEach((key, byte) => members[key]?.push(byte));
  return { of: Uint8Array.from(keys), members };
}

/** The same differences, as numbers from 0 on. */
function numbered(keys: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return keys.map((key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}
