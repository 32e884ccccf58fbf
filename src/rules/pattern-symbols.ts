/** Patterns spelt in symbols, of which a tree is made: those that are spelt alike at the start share it. */
import { SLASH } from './bytes.ts';
import type { Component, Pattern, Token } from './pattern.ts';
import type { Entry } from './prefix-tree.ts';

/** Symbols below this are bytes. This one: any bytes but a slash, none too. */
export const STAR = 256;
/** A slash, and any number of names, each with a slash behind it, none too: `**` between its slashes. */
export const ANY = 257;
/** From here on: one byte of a set. */
const FIRST_SET = 258;

/** A pattern, and what stands for its rule: a number above 0. Of several at the same place the highest counts. */
export interface NumberedPattern {
  readonly pattern: Pattern;
  readonly value: number;
}

export class PatternSymbols {
  readonly #sets: (readonly boolean[])[] = [];
  readonly #numbers = new Map<string, number>();

  /** The different sets that were spelt. */
  get sets(): readonly (readonly boolean[])[] {
    return this.#sets;
  }

  /** True where a symbol stands for a byte. A star does not: what may be left out is no edge. */
  matches(symbol: number, byte: number): boolean {
    if (symbol < STAR) return symbol === byte;
    if (symbol === ANY) return byte === SLASH;
    return this.#sets[symbol - FIRST_SET]?.[byte] === true;
  }

  /** The ways to spell a pattern: one, and another where it ends with a `**`, which may stand for no name. */
  entriesOf({ pattern: { base, components }, value }: NumberedPattern): Entry[] {
    const parts = components.filter(({ kind }, i) => kind !== 'any' || components[i - 1]?.kind !== 'any');
    const isAny = (i: number): boolean => parts[i]?.kind === 'any';
    const last = parts.length - 1;
    const spelt = parts.slice(0, isAny(last) ? last : parts.length);
    const symbols = [
      ...(base.length === 1 ? [] : base),
      ...spelt.flatMap((part, i) => this.#spell(part, isAny(i - 1))),
    ];
    const entry = { symbols, value };
    return isAny(last) ? [entry, { symbols: [...symbols, ANY], value }] : [entry];
  }

  #spell(component: Component, isBehindAny: boolean): number[] {
    const slash = isBehindAny ? [] : [SLASH];
    switch (component.kind) {
      case 'any':
        return [ANY];
      case 'name':
        return [...slash, ...component.name];
      case 'glob':
        return [...slash, ...component.tokens.map((token) => this.#symbolOf(token))];
    }
  }

  #symbolOf(token: Token): number {
    switch (token.kind) {
      case 'byte':
        return token.byte;
      case 'star':
        return STAR;
      case 'set':
        return FIRST_SET + this.#numberOf(token.bytes);
    }
  }

  #numberOf(bytes: readonly boolean[]): number {
    const key = bytes.map(Number).join('');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.push(bytes) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}
