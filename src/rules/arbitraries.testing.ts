/** Rules and paths for tests, of few letters, so that they meet. */
import * as fc from 'fast-check';
import { parsePattern } from './parse-pattern.ts';
import { PatternError } from './pattern-error.ts';
import type { Rule, RulePlace } from './rule.ts';

export const NAMES = ['a', 'b', 'ab', 'ba', '.a', 'aab', '*', '[a]'];
const ATOMS = ['a', 'b', '.', '*', '?', '[ab]', '[!a]', '[^b]', '[+-a]', String.raw`\*`, String.raw`\[`];

const name = fc.constantFrom(...NAMES);

/** From the root on, as the kernel names paths. */
export const path: fc.Arbitrary<Buffer> = fc
  .array(name, { maxLength: 5 })
  .map((names) => Buffer.from(`/${names.join('/')}`));

/** What follows a directory: a slash and at least one name. */
export const relativePath: fc.Arbitrary<Buffer> = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names) => Buffer.from(`/${names.join('/')}`));

const writtenGlob = fc
  .array(fc.constantFrom(...ATOMS), { minLength: 1, maxLength: 4 })
  .map((atoms) => atoms.join(''))
  .filter((text) => !text.includes('**') && text !== '.' && text !== '..');
const writtenName = name.map((text) => text.replace(/[*?[\]\\]/g, String.raw`\$&`));
const writtenComponent = fc.oneof(
  { weight: 3, arbitrary: writtenName },
  { weight: 3, arbitrary: writtenGlob },
  { weight: 2, arbitrary: fc.constant('**') },
);

/** A pattern or a path, as a person writes it: absolute. `..` only by chance. */
export const writtenPlace: fc.Arbitrary<string> = fc
  .array(writtenComponent, { maxLength: 5 })
  .map((components) => `/${components.join('/')}`);

export const rule: fc.Arbitrary<Rule> = fc
  .tuple(fc.constantFrom('allow', 'deny'), fc.oneof(writtenPlace, path.map(String)))
  .chain(([effect, text]) => {
    const made = ruleOrNothing(effect, text);
    return made === undefined ? fc.constant(ruleOf(effect, '/a')) : fc.constant(made);
  });

function ruleOrNothing(effect: Rule['effect'], text: string): Rule | undefined {
  try {
    return ruleOf(effect, text);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

/** A rule for a place that is written absolute and without symbolic links. */
export function ruleOf(effect: Rule['effect'], text: string): Rule {
  return { effect, place: placeOf(text), said: `${effect} ${text}` };
}

function placeOf(text: string): RulePlace {
  const parsed = parsePattern(Buffer.from(text));
  if (parsed.kind === 'path') return parsed;
  const { beginning, components } = parsed;
  return { kind: 'pattern', pattern: { base: beginning, components, text } };
}
