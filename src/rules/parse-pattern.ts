/**
 * What a person wrote for a place: a path, or a pattern (pattern.ts). All on bytes.
 *
 *     *       any bytes of a name, none too     ?   one byte of a name
 *     [a-z]   one byte of a set                 **  alone between slashes: any number of names, none too
 *     \*      the byte itself; so for * ? [ ] \ and nothing else: before another byte a backslash is one
 */
import { BACKSLASH, DOT, isEscape, OPENING, QUESTION_MARK, SLASH, STAR } from './bytes.ts';
import type { Component, Token } from './pattern.ts';
import { PatternError } from './pattern-error.ts';
import { parseSet } from './parse-set.ts';

export type ParsedPlace =
  /** No byte had a meaning: the path, backslashes taken away, else as it was written. */
  | { readonly kind: 'path'; readonly path: Buffer }
  | {
      readonly kind: 'pattern';
      /**
       * The literal beginning, a directory: backslashes taken away, no trailing slash but that of `/`, else as it was written, so
       * that `..` and symbolic links are still in it. Empty where the pattern begins at once, relative to where it was written.
       */
      readonly beginning: Buffer;
      /** What follows below it: as in a Pattern. */
      readonly components: readonly Component[];
    };

const MEANINGFUL: ReadonlySet<number | undefined> = new Set([STAR, QUESTION_MARK, OPENING]);
/** `?`. */
const ANY_BYTE: Token = { kind: 'set', bytes: Array.from({ length: 256 }, (_, byte) => byte !== SLASH) };

/** Reads a word as a path or as a pattern. Throws a PatternError for what is neither, nothing else for any bytes. */
export function parsePattern(word: Uint8Array): ParsedPlace {
  if (word.length === 0) throw new PatternError('is empty', 'a path is expected');
  if (word.includes(0)) throw new PatternError('has a NUL byte', 'no path can hold one');
  checkEnd(word);
  const first = firstMeaningful(word);
  if (first === undefined) return { kind: 'path', path: unescaped(word) };
  const start = word.lastIndexOf(SLASH, first) + 1;
  const components: Component[] = [];
  for (const written of split(word.subarray(start))) {
    const component = parseComponent(written);
    if (component === undefined) continue;
    // Any number of names, twice, is any number of names.
    if (component.kind !== 'any' || components.at(-1)?.kind !== 'any') components.push(component);
  }
  return { kind: 'pattern', beginning: directory(unescaped(word.subarray(0, start))), components };
}

/** True where a word would be read as a pattern, be it a right one or not. */
export function hasPatternCharacters(word: Uint8Array): boolean {
  return firstMeaningful(word) !== undefined;
}

function firstMeaningful(word: Uint8Array): number | undefined {
  for (let at = 0; at < word.length; at += 1) {
    if (isEscape(word, at)) at += 1;
    else if (MEANINGFUL.has(word[at])) return at;
  }
  return undefined;
}

/** A backslash that stands before nothing: half of what was meant, most likely. */
function checkEnd(word: Uint8Array): void {
  for (let at = 0; at < word.length; at += 1) {
    if (isEscape(word, at)) at += 1;
    else if (word[at] === BACKSLASH && at === word.length - 1)
      throw new PatternError('ends with a backslash', String.raw`write \\ for the character itself`);
  }
}

function unescaped(word: Uint8Array): Buffer {
  const bytes = Buffer.alloc(word.length);
  let length = 0;
  for (let at = 0; at < word.length; at += 1) {
    if (isEscape(word, at)) at += 1;
    bytes[length] = word[at] ?? 0;
    length += 1;
  }
  return bytes.subarray(0, length);
}

/** Without trailing slashes, but for the root. */
function directory(path: Buffer): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === SLASH) end -= 1;
  return path.subarray(0, end);
}

function split(word: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start <= word.length;) {
    const slash = word.indexOf(SLASH, start);
    const end = slash === -1 ? word.length : slash;
    parts.push(word.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

/** Undefined for what means nothing: `.`, and nothing at all. */
function parseComponent(written: Uint8Array): Component | undefined {
  if (written.length === 0 || isDots(written, 1)) return undefined;
  if (isDots(written, 2))
    throw new PatternError('has .. behind a pattern', 'write the path that is meant without it');
  if (written.length === 2 && written[0] === STAR && written[1] === STAR) return { kind: 'any' };
  if (!hasPatternCharacters(written)) return { kind: 'name', name: unescaped(written) };
  return { kind: 'glob', tokens: parseTokens(written) };
}

function isDots(written: Uint8Array, count: number): boolean {
  return written.length === count && written.every((byte) => byte === DOT);
}

function parseTokens(written: Uint8Array): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < written.length; at += 1) {
    const byte = written[at] ?? 0;
    if (byte === STAR) {
      if (written[at + 1] === STAR)
        throw new PatternError(
          'has ** beside something else',
          'it stands alone between slashes, as in a/**/b',
        );
      tokens.push({ kind: 'star' });
    } else if (byte === QUESTION_MARK) {
      tokens.push(ANY_BYTE);
    } else if (byte === OPENING) {
      const set = parseSet(written, at + 1);
      tokens.push({ kind: 'set', bytes: set.bytes });
      at = set.last;
    } else {
      if (isEscape(written, at)) at += 1;
      tokens.push({ kind: 'byte', byte: written[at] ?? 0 });
    }
  }
  return tokens;
}
