import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { NAMES, path, relativePath, rule, ruleOf } from './arbitraries.testing.ts';
import type { Rule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { SlowRuleIndex } from './slow-rule-index.testing.ts';

const RUNS = { numRuns: 2000 };
const rules = fc.array(rule, { maxLength: 8 });

function indexOf(...words: string[]): RuleIndex {
  return new RuleIndex(words.map((word) => ruleOf(word.startsWith('-') ? 'deny' : 'allow', word.slice(1))));
}

describe('RuleIndex.decide()', () => {
  const index = indexOf(
    '-/',
    '+/w',
    '-/w/.git/hooks',
    '+/w/.git/hooks/ours',
    '-/w/**/.env',
    '+/w/x*/.env',
    '-/w/same',
    '+/w/same',
  );
  const cases: [string, string | undefined][] = [
    ['/', 'deny /'],
    ['/wx', 'deny /'],
    ['/w', 'allow /w'],
    ['/w/a/b', 'allow /w'],
    ['/w/.git', 'allow /w'],
    ['/w/.git/hooks', 'deny /w/.git/hooks'],
    ['/w/.git/hooks/x', 'deny /w/.git/hooks'],
    ['/w/.git/hooks/ours/x', 'allow /w/.git/hooks/ours'],
    ['/w/.git/hooksy', 'allow /w'],
    ['/w/.env', 'deny /w/**/.env'],
    ['/w/a/b/.env/c', 'deny /w/**/.env'],
    // Both have their place there.
    ['/w/xy/.env', 'deny /w/**/.env'],
    ['/w/same', 'deny /w/same'],
    ['pipe:[1]', undefined],
    ['', undefined],
  ];
  for (const [asked, expected] of cases) {
    test(`${asked}: ${expected ?? 'nothing is said'}`, () => {
      assert.equal(index.decide(Buffer.from(asked))?.said, expected);
      assert.equal(index.isDenied(Buffer.from(asked)), expected?.startsWith('deny') === true);
    });
  }

  test('says nothing where no rule is', () => {
    assert.equal(new RuleIndex([]).decide(Buffer.from('/a')), undefined);
    assert.equal(indexOf('-/a/*/c').decide(Buffer.from('/a/b')), undefined);
  });

  test('reads no further than the path is long', () => {
    assert.equal(indexOf('-/a', '+/a/b').decide(Buffer.from('/a/b/c'), 2)?.effect, 'deny');
    assert.equal(indexOf('-/a/b').isDenied(Buffer.from('/a/bc'), 4), true);
  });

  test('compares bytes: a ? is one of them, 0xff is a name', () => {
    const deny = indexOf('-/?');
    assert.equal(deny.isDenied(Buffer.from('/é')), false);
    assert.equal(deny.isDenied(Buffer.from([0x2f, 0xff])), true);
  });

  test('a ** stands for none too, also at the end', () => {
    const deny = indexOf('-/w/**');
    for (const denied of ['/w', '/w/a', '/w/a/b']) assert.equal(deny.isDenied(Buffer.from(denied)), true);
    assert.equal(deny.isDenied(Buffer.from('/wa')), false);
    assert.equal(indexOf('-/**').isDenied(Buffer.from('/')), true);
  });

  test('answers as the slow index', () => {
    fc.assert(
      fc.property(rules, fc.array(path, { minLength: 1, maxLength: 8 }), (given, asked) => {
        const fast = new RuleIndex(given);
        const slow = new SlowRuleIndex(given);
        for (const each of asked) assertSamePlace(fast.decide(each), slow.decide(each), each);
      }),
      RUNS,
    );
  });

  test('answers as the slow index with ten thousand rules', () => {
    const many = fc.sample(rule, { numRuns: 2500, seed: 1 });
    const deep = Array.from({ length: 7500 }, (_, i) =>
      ruleOf(i % 3 === 0 ? 'allow' : 'deny', `/a/${i % 10}/${NAMES[i % 5] ?? ''}${i}/${i % 7}`),
    );
    const given = [...many, ...deep];
    const asked = [
      ...fc.sample(path, { numRuns: 30, seed: 2 }),
      ...Array.from({ length: 30 }, (_, i) =>
        Buffer.from(`/a/${i % 10}/${NAMES[i % 5] ?? ''}${i}/${i % 7}/b`),
      ),
    ];
    const fast = new RuleIndex(given);
    const slow = new SlowRuleIndex(given);
    for (const each of asked) assertSamePlace(fast.decide(each), slow.decide(each), each);
  });

  test('does not depend on the order of rules', () => {
    const shuffled = rules.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    );
    fc.assert(
      fc.property(shuffled, path, ([given, other], asked) => {
        assert.equal(effectOf(other, asked), effectOf(given, asked));
      }),
      RUNS,
    );
  });

  test('a rule more that denies turns nothing denied into something allowed', () => {
    fc.assert(
      fc.property(rules, rule, path, (given, more, asked) => {
        const after = effectOf([...given, { ...more, effect: 'deny' }], asked);
        if (effectOf(given, asked) === 'deny') assert.equal(after, 'deny');
      }),
      RUNS,
    );
  });
});

function effectOf(given: readonly Rule[], asked: Buffer): string | undefined {
  return new RuleIndex(given).decide(asked)?.effect;
}

/** Of several rules with the same effect at the same place either may be named. */
function assertSamePlace(fast: Rule | undefined, slow: Rule | undefined, asked: Buffer): void {
  assert.equal(fast?.effect, slow?.effect, `${asked.toString()}: ${fast?.said} and not ${slow?.said}`);
  if (fast === undefined || slow === undefined || fast === slow) return;
  // Each alone has its place where the other has: the nearest of the two is both.
  const { effect } = fast;
  const other = effect === 'deny' ? 'allow' : 'deny';
  const opposed = (one: Rule, another: Rule): string | undefined =>
    new SlowRuleIndex([
      { ...one, effect: 'deny' },
      { ...another, effect: 'allow' },
    ]).decide(asked)?.effect;
  assert.deepEqual(
    [opposed(fast, slow), opposed(slow, fast)],
    ['deny', 'deny'],
    `${asked.toString()}, ${other}`,
  );
}

describe('RuleIndex.reachesBelow()', () => {
  const index = indexOf('-/home/ann/.ssh', '-/w/**/.env', '-/v/*/x');
  const cases: [string, boolean][] = [
    ['/', true],
    ['/home', true],
    ['/home/ann', true],
    ['/home/ann/.ssh', false],
    ['/home/bob', false],
    ['/w', true],
    ['/w/a/b', true],
    ['/v', true],
    ['/v/a', true],
    ['/v/x/x', false],
    ['/v/a/b', false],
  ];
  for (const [directory, expected] of cases) {
    test(`${directory}: ${expected}`, () =>
      assert.equal(index.reachesBelow(Buffer.from(directory)), expected));
  }

  test('is true where a rule has its place below', () => {
    fc.assert(
      fc.property(rules, path, fc.constantFrom(...NAMES), (given, directory, name) => {
        const below = Buffer.from(`${directory.toString().replace(/\/$/, '')}/${name}`);
        const here = new SlowRuleIndex(given);
        const [outer, inner] = [here.decide(directory), here.decide(below)];
        const fast = new RuleIndex(given);
        if (inner !== outer && inner !== undefined) assert.equal(fast.reachesBelow(directory), true);
        if (fast.reachesBelow(directory)) assert.equal(here.reachesBelow(directory), true);
      }),
      RUNS,
    );
  });
});

describe('RuleIndex.mayDenyWithin()', () => {
  const index = indexOf('-/home/ann/.ssh', '+/home/ann/.ssh/x', '-/w/**/.env', '+/w/*/x', '-/v/*/x');
  const cases: [string, boolean][] = [
    ['/', true],
    ['/home', true],
    ['/home/ann/.ssh/a', true],
    ['/home/ann/.ssh/x/a', false],
    ['/home/bob', false],
    ['/w/x/x', true],
    ['/v/a', true],
    ['/v/a/b', false],
    ['/v/a/x/b', true],
  ];
  for (const [directory, expected] of cases) {
    test(`${directory}: ${expected}`, () =>
      assert.equal(index.mayDenyWithin(Buffer.from(directory)), expected));
  }

  test('is true where something is denied', () => {
    fc.assert(
      fc.property(rules, path, relativePath, (given, directory, below) => {
        const slow = new SlowRuleIndex(given);
        const inner = Buffer.concat([directory.length === 1 ? Buffer.alloc(0) : directory, below]);
        const denied = [directory, inner].some((each) => slow.decide(each)?.effect === 'deny');
        if (denied) assert.equal(new RuleIndex(given).mayDenyWithin(directory), true);
      }),
      RUNS,
    );
  });
});
