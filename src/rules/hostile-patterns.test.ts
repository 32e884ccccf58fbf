/** Patterns and paths that are made to take long: the work is counted, not timed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ruleOf } from './arbitraries.testing.ts';
import { RuleIndex } from './rule-index.ts';

/** PATH_MAX, about. */
const LENGTH = 4000;
const MAX_STATES = 2048;

const PATTERNS = [
  '/**/a*a*a*a*a*b',
  `/**/${'a*'.repeat(200)}b`,
  `/${'**/a/'.repeat(200)}b`,
  `/${'**/*a*/'.repeat(100)}b`,
  `/**/${'?'.repeat(200)}b`,
  `/**/${'[ab]'.repeat(100)}c`,
  // In each place either: as many sets of nodes as there are subsets.
  `/**/*a${'?'.repeat(30)}`,
  `/${'*/'.repeat(500)}b`,
];
const PATHS = [
  `/${'a'.repeat(LENGTH)}`,
  '/a'.repeat(LENGTH / 2),
  '/aaa'.repeat(LENGTH / 4),
  '/ab'.repeat(LENGTH / 3),
  `/${pseudorandom(LENGTH, 'ab')}`,
  pseudorandom(LENGTH, 'ab/').replace(/^/, '/').replace(/\/+/g, '/'),
];

describe('a path costs at most its length times the nodes of the patterns', () => {
  for (const pattern of PATTERNS) {
    test(pattern.length > 40 ? `${pattern.slice(0, 40)}…` : pattern, () => assertBounded([pattern], PATHS));
  }

  test('all of them at once', () => assertBounded(PATTERNS, PATHS));

  test('random ones', () => {
    const atoms = fc.constantFrom('a', 'b', '*', '?', '[ab]', '/', '/**/');
    const pattern = fc.array(atoms, { maxLength: 30 }).map((list) =>
      `/${list.join('')}`
        .replace(/\*+(?!\*?\/)/g, '*')
        .replace(/([^/])\*\*+/g, '$1*')
        .replace(/\*\*+([^/])/g, '*$1'),
    );
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 5 }), (patterns) =>
        assertBounded(patterns, PATHS),
      ),
      { numRuns: 20 },
    );
  });
});

test('words of a hundred thousand bytes and more are words like others', () => {
  const long = 'a'.repeat(150_000);
  const words = [
    `/${long}*`,
    `/*${long}`,
    `/**/${long}/*`,
    `/${'*a'.repeat(75_000)}`,
    `/${'*/'.repeat(75_000)}`,
  ];
  const index = new RuleIndex(words.map((word) => ruleOf('deny', word)));
  assert.equal(index.isDenied(Buffer.from('/ab/c')), false);
  assert.equal(index.isDenied(Buffer.from(`/b/${long}/c/d`)), true);
});

test('a difference among many nodes is not looked for to the end', () => {
  const patterns = Array.from({ length: 3000 }, (_, i) => `/w/**/*a*${i}*b`);
  const index = new RuleIndex([...patterns, '/v/**/*b*a'].map((pattern) => ruleOf('deny', pattern)));
  const { looks } = index.effort;
  index.difference(Buffer.from('/w/x'), Buffer.from('/v/x'));
  assert.ok(index.effort.looks - looks < 1_000_000);
});

test('what was read before is read without any work by the patterns', () => {
  const index = new RuleIndex([ruleOf('deny', '/**/.env'), ruleOf('deny', '/**/*.key')]);
  const path = Buffer.from('/home/ann/project/src/main.ts');
  index.decide(path);
  const { looks } = index.effort;
  for (let i = 0; i < 100; i += 1) index.decide(path);
  assert.equal(index.effort.looks, looks);
});

test('answers stay right when states are forgotten all the time', () => {
  const index = new RuleIndex([ruleOf('deny', `/**/*a${'?'.repeat(14)}`)]);
  const fits = /(?:^|\/)[^/]*a[^/]{14}(?=\/|$)/;
  for (let i = 0; i < 200; i += 1) {
    const path = pseudorandom(300, 'aaaabbbb/', i).replace(/^/, '/').replace(/\/+/g, '/').replace(/\/$/, '');
    assert.equal(index.isDenied(Buffer.from(path)), fits.test(path), path);
    assert.ok(index.effort.states <= MAX_STATES);
  }
});

function assertBounded(patterns: readonly string[], paths: readonly string[]): void {
  const index = new RuleIndex(patterns.map((pattern) => ruleOf('deny', pattern)));
  const nodes = patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  for (const path of paths) {
    const before = index.effort.looks;
    index.decide(Buffer.from(path));
    // A node has itself, its way on, and what may be left out.
    assert.ok(
      index.effort.looks - before <= 6 * nodes * path.length,
      `${patterns.join()}: ${index.effort.looks - before}`,
    );
    assert.ok(index.effort.states <= MAX_STATES);
  }
}

function pseudorandom(length: number, letters: string, seed = 1): string {
  let state = seed * 2_654_435_761;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return letters[(state >>> 16) % letters.length];
  }).join('');
}
