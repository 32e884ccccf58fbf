/** Patterns and paths as a person would write them: what parsePattern reads as the same again. */
import {
  BACKSLASH,
  CIRCUMFLEX,
  CLOSING,
  DASH,
  EXCLAMATION_MARK,
  isSpecial,
  OPENING,
  QUESTION_MARK,
  SLASH,
  STAR,
} from './bytes.ts';
import type { Component, Pattern, Token } from './pattern.ts';

/** Printed with a backslash within a set, though some of them would not need it everywhere. */
const ESCAPED_IN_SETS: ReadonlySet<number> = new Set([
  BACKSLASH,
  OPENING,
  CLOSING,
  DASH,
  EXCLAMATION_MARK,
  CIRCUMFLEX,
]);
const FIRST_BEYOND_ASCII = 0x80;
/** Fewer neighbours are written one by one. */
const SHORTEST_RANGE = 3;

/** A path, with backslashes, so that it is read as itself. */
export function literally(path: Uint8Array): Buffer {
  return Buffer.from(Array.from(path, (byte) => (isSpecial(byte) ? [BACKSLASH, byte] : [byte])).flat());
}

/** A pattern, from the root on. Bytes of names are printed as they are. */
export function formatPattern({ base, components }: Pick<Pattern, 'base' | 'components'>): Buffer {
  const beginning = base.length === 1 ? [] : [...literally(base)];
  return Buffer.from([
    ...beginning,
    ...components.flatMap((component) => [SLASH, ...formatComponent(component)]),
  ]);
}

function formatComponent(component: Component): number[] {
  switch (component.kind) {
    case 'any':
      return [STAR, STAR];
    case 'name':
      return [...literally(component.name)];
    case 'glob':
      return component.tokens.flatMap(formatToken);
  }
}

function formatToken(token: Token): number[] {
  switch (token.kind) {
    case 'star':
      return [STAR];
    case 'byte':
      return [...literally(Buffer.of(token.byte))];
    case 'set':
      return formatSet(token.bytes);
  }
}

function formatSet(bytes: readonly boolean[]): number[] {
  // Beyond ASCII there is all or nothing: a set names no byte there, so that one that holds them is negated.
  const negated = bytes[FIRST_BEYOND_ASCII] === true;
  const named = (byte: number): boolean => bytes[byte] !== negated && byte !== SLASH;
  const members: number[] = [];
  for (let low = 1; low < FIRST_BEYOND_ASCII; low += 1) {
    if (!named(low)) continue;
    let high = low;
    while (high + 1 < FIRST_BEYOND_ASCII && named(high + 1)) high += 1;
    members.push(...formatRun(low, high));
    low = high;
  }
  if (members.length === 0 && negated) return [QUESTION_MARK];
  return [OPENING, ...(negated ? [EXCLAMATION_MARK] : []), ...members, CLOSING];
}

function formatRun(low: number, high: number): number[] {
  if (high - low + 1 >= SHORTEST_RANGE) return [...formatMember(low), DASH, ...formatMember(high)];
  return Array.from({ length: high - low + 1 }, (_, index) => formatMember(low + index)).flat();
}

function formatMember(byte: number): number[] {
  return ESCAPED_IN_SETS.has(byte) ? [BACKSLASH, byte] : [byte];
}
