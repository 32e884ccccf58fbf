/** The entries of a record whose keys are a closed set of names; Object.entries forgets the set. */
export function entriesOf<Key extends string, Value>(
  record: Readonly<Partial<Record<Key, Value>>>,
): [Key, Value][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the compiler cannot know that there are no others
  return Object.entries(record) as [Key, Value][];
}
