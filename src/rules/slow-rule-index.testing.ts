/**
 * What RuleIndex promises, in the obvious way: each rule is tried at each place on the way, by matching names one by one. Takes
 * exponential time for patterns with many stars.
 */
import type { Component, Token } from './pattern.ts';
import { beginningOf, type Rule } from './rule.ts';

const SLASH = 0x2f;

/** Answers for the rules of one kind of access. */
export class SlowRuleIndex {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /**
   * The rule nearest to a file, of those at the same place one that denies; undefined where none says anything.
   * @param path absolute, as the kernel names it
   */
  decide(path: Uint8Array): Rule | undefined {
    for (let end = path.length; end >= 0; end = end === 0 ? -1 : path.subarray(0, end).lastIndexOf(SLASH)) {
      const place = end === 0 ? Buffer.from('/') : Buffer.from(path.subarray(0, end));
      const matching = this.#rules.filter((rule) => isAt(rule, place));
      const found = matching.find(({ effect }) => effect === 'deny') ?? matching[0];
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** True where a rule may have its place below a directory. */
  reachesBelow(directory: Uint8Array): boolean {
    const path = Buffer.from(directory);
    return this.#rules.some((rule) => {
      const beginning = beginningOf(rule);
      return (
        isBelow(beginning, path) ||
        (rule.place.kind === 'pattern' && (isBelow(path, beginning) || path.equals(beginning)))
      );
    });
  }
}

function isBelow(path: Buffer, directory: Buffer): boolean {
  const length = directory.length === 1 ? 0 : directory.length;
  return (
    path.length > length + 1 &&
    path.subarray(0, length).equals(directory.subarray(0, length)) &&
    path[length] === SLASH
  );
}

function isAt({ place }: Rule, path: Buffer): boolean {
  if (place.kind === 'path') return place.path.equals(path);
  const { base, components } = place.pattern;
  if (!path.equals(base) && !isBelow(path, base)) return false;
  const rest = path.subarray(base.length === 1 ? 1 : base.length + 1);
  return matches(components, rest.length === 0 ? [] : rest.toString('latin1').split('/'));
}

function matches(components: readonly Component[], names: readonly string[]): boolean {
  const [component, ...more] = components;
  if (component === undefined) return names.length === 0;
  if (component.kind === 'any')
    return matches(more, names) || (names.length > 0 && matches(components, names.slice(1)));
  const [name, ...others] = names;
  if (name === undefined) return false;
  const bytes = Buffer.from(name, 'latin1');
  const fits = component.kind === 'name' ? component.name.equals(bytes) : fitsGlob(component.tokens, bytes);
  return fits && matches(more, others);
}

function fitsGlob(tokens: readonly Token[], name: Uint8Array): boolean {
  const [token, ...more] = tokens;
  if (token === undefined) return name.length === 0;
  if (token.kind === 'star')
    return fitsGlob(more, name) || (name.length > 0 && fitsGlob(tokens, name.subarray(1)));
  const [byte] = name;
  if (byte === undefined) return false;
  const fits = token.kind === 'byte' ? token.byte === byte : token.bytes[byte] === true;
  return fits && fitsGlob(more, name.subarray(1));
}
