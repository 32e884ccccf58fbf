/** Patterns against minimatch, which is made otherwise: by regular expressions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Minimatch } from 'minimatch';
import { path, ruleOf, writtenPlace } from './arbitraries.testing.ts';
import { hasPatternCharacters } from './parse-pattern.ts';
import { PatternError } from './pattern-error.ts';
import type { Rule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';

const OPTIONS = {
  dot: true,
  nobrace: true,
  noext: true,
  nocomment: true,
  nonegate: true,
  platform: 'linux',
} as const;

void test('what a pattern covers is what minimatch finds, and all below', () => {
  let covered = 0;
  fc.assert(
    fc.property(writtenPlace, fc.array(path, { minLength: 1, maxLength: 6 }), (pattern, asked) => {
      const rule = ruleOrNothing(pattern);
      fc.pre(rule !== undefined && hasPatternCharacters(Buffer.from(pattern)));
      const index = new RuleIndex([rule]);
      for (const each of asked) {
        const expected = isCovered(pattern, each.toString());
        assert.equal(index.isDenied(each), expected, `${pattern}, ${each.toString()}`);
        if (expected) covered += 1;
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(covered > 500, `only ${covered} paths were covered`);
});

function isCovered(pattern: string, asked: string): boolean {
  const matchers = spellings(pattern).map((text) => new Minimatch(text, OPTIONS));
  const names = asked.split('/').filter((name) => name !== '');
  const places = Array.from(
    { length: names.length + 1 },
    (_, count) => `/${names.slice(0, count).join('/')}`,
  );
  return places.some((place) => matchers.some((matcher) => matcher.match(place)));
}

/** At the end of a pattern `**` stands for one name at least there. Here for none too. */
function spellings(pattern: string): string[] {
  const shorter = pattern.replace(/(?:\/\*\*)+$/, '');
  return shorter === pattern ? [pattern] : [pattern, shorter === '' ? '/' : shorter];
}

function ruleOrNothing(pattern: string): Rule | undefined {
  try {
    return ruleOf('deny', pattern);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}
