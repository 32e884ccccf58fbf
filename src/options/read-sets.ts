/** Sets of places in a policy that is an object: `sets: { mine: ['~/work/private', '@secrets'] }`. */
import { SET_NAME_PATTERN, setNamed } from '../policy/place-text.ts';
import { KeyError } from './key-error.ts';
import { findOption } from './option-table.ts';
import { BUILT_IN_SETS, SETS_KEY } from './policy-keys.ts';
import { readPlace, type Said } from './read-policy.ts';

export interface NamedSet {
  readonly name: string;
  readonly items: readonly { readonly key: string; readonly value: string }[];
}

/** The sets, and all else of a policy. Throws a KeyError. */
export function readSets(policy: unknown): { readonly sets: readonly NamedSet[]; readonly policy: unknown } {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return { sets: [], policy };
  const { [SETS_KEY]: given, ...rest }: { [SETS_KEY]?: unknown } = policy;
  if (given === undefined) return { sets: [], policy: rest };
  const hint = 'expected { "mine": ["./private"] }';
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new KeyError(SETS_KEY, 'is not an object', { word: given, hint });
  return { sets: Object.entries(given).map(([name, items]) => readSet(name, items)), policy: rest };
}

function readSet(name: string, given: unknown): NamedSet {
  const key = `${SETS_KEY}.${name}`;
  if (!SET_NAME_PATTERN.test(name))
    throw new KeyError(key, 'is no name of a set', { hint: 'a letter, then letters, digits, - and _' });
  if (BUILT_IN_SETS.some((one) => one === name))
    throw new KeyError(key, 'is a set of secfilt itself', { hint: 'name it otherwise' });
  if (!Array.isArray(given) || given.length === 0)
    throw new KeyError(key, 'is not a list of places', { word: given, hint: 'write ["./private"]' });
  const items: readonly unknown[] = given;
  return {
    name,
    items: Array.from(items, (item, index) => {
      const place = `${key}[${index}]`;
      return { key: place, value: readPlace(place, item) };
    }),
  };
}

/** What is said, with the places of the sets in place of their names; names that are not among them stay. */
export function withoutSets(said: readonly Said[], sets: readonly NamedSet[]): Said[] {
  if (sets.length === 0) return [...said];
  const byName = new Map(sets.map(({ name, items }) => [name, items]));
  const opened = (one: Said, above: readonly string[]): Said[] => {
    const { option, key, value } = one;
    const name =
      typeof value === 'string' && findOption(option)?.kind === 'place-list' ? setNamed(value) : undefined;
    const items = name === undefined ? undefined : byName.get(name);
    if (name === undefined || items === undefined) return [one];
    if (above.includes(name)) {
      const way = [...above, name].map((each) => `@${each}`).join(', which holds ');
      throw new KeyError(key, 'is a set that holds itself', { word: value, hint: way });
    }
    return items.flatMap((item) => opened({ option, ...item }, [...above, name]));
  };
  return said.flatMap((one) => opened(one, []));
}
