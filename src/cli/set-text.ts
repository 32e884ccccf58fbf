/**
 * The text of a set of places (share/sets/README.md): a place a line, two blanks, and `#` with whose place it is. Pure.
 *
 *     /etc/shadow  # passwords: shadow(5)
 *     ~/.netrc  # …
 *     $KUBECONFIG  # where the variable leads; nothing where it is not set
 *     ${GNUPGHOME:-~/.gnupg}  # both: where it leads, and the usual place
 */
import { quotePlace } from '../policy/place-text.ts';
import { ValueError } from '../policy/value-error.ts';
import type { ByteString } from './byte-string.ts';

/** The value of a variable, bytes as characters; undefined where it is not set or empty. */
export type ValueOf = (name: string) => ByteString | undefined;

export interface SetLine {
  /** As it stands in the file. */
  readonly written: ByteString;
  /** The places that it stands for, in which no `~` and no variable is left. */
  readonly places: readonly ByteString[];
}

const PLACE_PATTERN = /^(?:\\[^]|[^\\ \t])+$/;
const VARIABLE_PATTERN =
  /^(?<head>(?:\\[^]|[^\\$])*)\$(?:(?<bare>[A-Za-z_]\w*)|\{(?<braced>[A-Za-z_]\w*)(?::-(?<usual>(?:\\[^]|[^\\}])*))?\})(?<rest>[^]*)$/;
/** A home directory or a variable, as far as the next slash. */
const BEGINNING_PATTERN = /^(?<beginning>~|\$\w+|\$\{[^\\}]*\})(?<rest>\/[^]*|)$/;

/** Throws a ValueError for a line that is none, and where the home directory is not known. */
export function readSet(content: ByteString, valueOf: ValueOf): SetLine[] {
  const beginnings = new Map<string, readonly ByteString[]>();
  const lines: SetLine[] = [];
  for (const line of content.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const end = line.indexOf('  #');
    const place = end === -1 ? line : line.slice(0, end).replace(/ +$/, '');
    if (!PLACE_PATTERN.test(place)) throw new ValueError('has a line that is none of a set', { hint: line });
    lines.push({ written: place, places: begunAlike(place, valueOf, beginnings) });
  }
  return lines;
}

/** Hundreds of places begin with the same few directories, which are filled in once. */
function begunAlike(
  place: ByteString,
  valueOf: ValueOf,
  known: Map<string, readonly ByteString[]>,
): readonly ByteString[] {
  const { beginning, rest = '' } = BEGINNING_PATTERN.exec(place)?.groups ?? {};
  if (beginning === undefined || rest.includes('$')) return expansions(place, valueOf);
  let filledIn = known.get(beginning);
  if (filledIn === undefined) known.set(beginning, (filledIn = expansions(beginning, valueOf)));
  return rest === '' ? filledIn : filledIn.map((each) => each + rest);
}

function expansions(place: ByteString, valueOf: ValueOf): ByteString[] {
  if (/^~(?=\/|$)/.test(place)) {
    const home = valueOf('HOME');
    if (home === undefined) throw new ValueError('needs $HOME, which is not set');
    return filled(place.slice(1), valueOf).map((rest) => quotePlace(home) + rest);
  }
  return filled(place, valueOf);
}

function filled(text: ByteString, valueOf: ValueOf): ByteString[] {
  if (!text.includes('$')) return [text];
  const { head = '', bare, braced, usual, rest = '' } = VARIABLE_PATTERN.exec(text)?.groups ?? {};
  const name = bare ?? braced;
  if (name === undefined) return [text];
  const values = partsOf(valueOf(name)).map(quotePlace);
  const all = usual === undefined ? values : [...values, ...expansions(usual, valueOf)];
  const ends = all.length === 0 ? [] : filled(rest, valueOf);
  return all.flatMap((value) => ends.map((end) => head + value + end));
}

/**
 * A value with colons is a list, of which only absolute paths are places: `FILE:/tmp/krb5cc_0`. Or it is a path with colons in it, which
 * only who reads the variable knows.
 */
function partsOf(value: ByteString | undefined): ByteString[] {
  if (value === undefined) return [];
  return value.includes(':') ? [value, ...value.split(':')].filter((part) => part.startsWith('/')) : [value];
}
