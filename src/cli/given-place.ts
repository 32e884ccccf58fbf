/** Places that a person wrote: what their words mean, from the place where they were written. */
import { lstatSync } from 'node:fs';
import { resolveMissing, type Ways } from '../policy/links.ts';
import { absolutePath, refuseOurOwn } from '../policy/paths.ts';
import { asPattern, isPattern, tokensOf, unquotePlace } from '../policy/place-text.ts';
import type { PathBytes } from '../policy/policy.ts';
import { ValueError } from '../policy/value-error.ts';
import { type ParsedPlace, parsePattern } from '../rules/parse-pattern.ts';
import type { Component } from '../rules/pattern.ts';
import { PatternError } from '../rules/pattern-error.ts';
import type { RulePlace } from '../rules/rule.ts';
import { type ByteString, printable, toBytes } from './byte-string.ts';
import { descriptorNamed, refuseForeign } from './descriptor-name.ts';

const HERE = Buffer.from('.');

export interface ResolvedPlace {
  readonly place: RulePlace;
  /** The symbolic links on the way to it, as the kernel names them. */
  readonly links: readonly PathBytes[];
}

/**
 * What a word means whose variables are filled in already (expandPlace). Nothing of it needs to exist. Throws a ValueError.
 * @param base where a relative one starts; undefined: the current directory
 * @param ways what was looked up for others
 */
export function resolvePlace(text: ByteString, base: PathBytes | undefined, ways: Ways): ResolvedPlace {
  if (isPattern(text)) refuseLiteral(text, base);
  else refuseForeign(descriptorNamed(unquotePlace(text)), '>');
  const found = resolveWord(text, base, ways);
  const { place } = found;
  refuseOurOwn(place.kind === 'path' ? place.path : place.pattern.base);
  return found;
}

/** The same of a word that nobody could mistake: it may name what this process has, and be the name of a file. */
export function resolveWord(text: ByteString, base: PathBytes | undefined, ways: Ways): ResolvedPlace {
  if (!isPattern(text)) {
    const { place, links } = resolveMissing(toBytes(unquotePlace(text)), base, ways);
    return { place: { kind: 'path', path: place }, links };
  }
  const { beginning, components } = parse(text);
  const { place, links } = resolveMissing(beginning.length === 0 ? HERE : beginning, base, ways);
  const named = withoutEnd(components);
  return named.length === 0
    ? { place: { kind: 'path', path: place }, links }
    : { place: { kind: 'pattern', pattern: { base: place, components: named, text } }, links };
}

/** What is below a place is meant by it anyway: `src/**` is `src`, and what is nearer than that counts within. */
function withoutEnd(components: readonly Component[]): readonly Component[] {
  return components.at(-1)?.kind === 'any' ? components.slice(0, -1) : components;
}

function parse(text: ByteString): Extract<ParsedPlace, { kind: 'pattern' }> {
  try {
    const parsed = parsePattern(toBytes(asPattern(text)));
    if (parsed.kind === 'pattern') return parsed;
  } catch (error) {
    if (error instanceof PatternError) throw new ValueError(error.problem, { hint: error.hint });
    throw error;
  }
  throw new Error('a pattern that is a path');
}

/** `app/[id]/page.tsx` is the name of a file as well: who wrote it has to say which of the two is meant. */
function refuseLiteral(text: ByteString, base: PathBytes | undefined): void {
  const tokens = tokensOf(text);
  const literal = unquotePlace(
    tokens.map((token) => (/^[*?[\]]/.test(token) ? `\\${token}` : token)).join(''),
  );
  if (literal.includes('\0') || !exists(absolutePath(toBytes(literal), base))) return;
  const path = tokens.map((token) => (/^[*?[\]]$/.test(token) ? `\\${token}` : token)).join('');
  const pattern = respelt(tokens);
  const other = pattern === undefined ? '' : `, ${shown(pattern)} for the pattern`;
  throw new ValueError('is a pattern, and the name of a file that is there', {
    hint: `write ${shown(path)} for the file${other}`,
  });
}

/** As it is to be written: each backslash is one. */
function shown(word: ByteString): string {
  return printable(word).replaceAll(String.raw`\\`, '\\');
}

function exists(path: PathBytes): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The same pattern by another spelling: its last plain letter is written as a set of one. */
function respelt(tokens: readonly string[]): string | undefined {
  let depth = 0;
  let last: number | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token === '[') depth = 1;
    else if (token === ']') depth = 0;
    else if (depth === 0 && /^[A-Za-z0-9]$/.test(token)) last = index;
  }
  return last === undefined
    ? undefined
    : tokens.map((token, index) => (index === last ? `[${token}]` : token)).join('');
}
