/**
 * `[…]` in a pattern: one byte of those named. `!` or `^` at the start: one byte of all others but the slash. `]` at the start
 * and `-` at either end mean themselves, as does what stands behind a backslash.
 */
import {
  BACKSLASH,
  CIRCUMFLEX,
  CLOSING,
  DASH,
  EXCLAMATION_MARK,
  isSpecial,
  OPENING,
  SLASH,
} from './bytes.ts';
import { PatternError } from './pattern-error.ts';

export interface ParsedSet {
  /** 256 members. */
  readonly bytes: readonly boolean[];
  /** Where the closing bracket stands. */
  readonly last: number;
}

interface Member {
  readonly byte: number;
  /** Where the next one begins. */
  readonly next: number;
}

const FIRST_BEYOND_ASCII = 0x80;
/** In a set a backslash takes the meaning of these away as well. */
const MEANT_IN_SETS: ReadonlySet<number | undefined> = new Set([DASH, EXCLAMATION_MARK, CIRCUMFLEX]);
/** As in `[:alpha:]`, `[=a=]`, `[.a.]`, which glob(7) has in sets. */
const CLASS_MARKS: ReadonlySet<number | undefined> = new Set(Array.from(':=.', (mark) => mark.charCodeAt(0)));

/**
 * Reads a set.
 * @param written what stands between two slashes
 * @param start behind the opening bracket
 */
export function parseSet(written: Uint8Array, start: number): ParsedSet {
  const negated = written[start] === EXCLAMATION_MARK || written[start] === CIRCUMFLEX;
  const begin = negated ? start + 1 : start;
  const named = Array.from({ length: 256 }, () => false);
  let at = begin;
  while (at === begin || written[at] !== CLOSING) {
    if (at >= written.length) throw unclosed(written.subarray(begin));
    const low = parseMember(written, at);
    const isRange =
      written[low.next] === DASH && low.next + 1 < written.length && written[low.next + 1] !== CLOSING;
    const high = isRange ? parseMember(written, low.next + 1) : low;
    if (high.byte < low.byte)
      throw new PatternError('has a range that runs backwards', 'write the lower one first, as in [a-z]');
    named.fill(true, low.byte, high.byte + 1);
    at = high.next;
  }
  return { bytes: named.map((is, byte) => is !== negated && byte !== SLASH), last: at };
}

function parseMember(written: Uint8Array, at: number): Member {
  const byte = written[at] ?? 0;
  const next = written[at + 1];
  if (byte >= FIRST_BEYOND_ASCII)
    throw new PatternError(
      'has a character beyond ASCII in a set',
      'a set matches one byte, ? for each would do',
    );
  if (byte === OPENING && CLASS_MARKS.has(next))
    throw new PatternError('has a class of characters in a set', 'write them out, as in [a-z]');
  if (byte !== BACKSLASH) return { byte, next: at + 1 };
  if (next === undefined || (!isSpecial(next) && !MEANT_IN_SETS.has(next)))
    throw new PatternError('has a lone backslash in a set', String.raw`write \\ for the character itself`);
  return { byte: next, next: at + 2 };
}

function unclosed(rest: Uint8Array): PatternError {
  return rest[0] === CLOSING
    ? new PatternError('has an empty set', String.raw`write \[ for a bracket in a name`)
    : new PatternError('has a [ without its ]', String.raw`write \[ for a bracket in a name`);
}
