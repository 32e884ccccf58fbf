import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PathBytes } from '../policy/policy.ts';
import type { Component } from '../rules/pattern.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import { allowedTrees, marksOf, placeTree, waysOf, type Mark } from './place-tree.ts';

const NAMES = ['a', 'b', 'ab', '\xff'];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { maxLength: 4 }).map((names) => Buffer.from(`/${names.join('/')}`, 'latin1'));
const effect = fc.constantFrom('allow' as const, 'deny' as const);
const component: fc.Arbitrary<Component> = fc.oneof(
  name.map((text): Component => ({ kind: 'name', name: Buffer.from(text, 'latin1') })),
  fc.constant<Component>({ kind: 'any' }),
  fc.constant<Component>({ kind: 'glob', tokens: [{ kind: 'star' }] }),
  fc.constant<Component>({ kind: 'glob', tokens: [{ kind: 'byte', byte: 0x61 }, { kind: 'star' }] }),
);
const place: fc.Arbitrary<Rule['place']> = fc.oneof(
  { weight: 4, arbitrary: path.map((each) => ({ kind: 'path' as const, path: each })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(path, fc.array(component, { minLength: 1, maxLength: 3 }))
      .map(([base, components]) => ({ kind: 'pattern' as const, pattern: { base, components, text: '' } })),
  },
);
const rules = fc.array(
  fc.tuple(effect, place).map(([said, at]): Rule => ({ effect: said, place: at, said: '' })),
  { maxLength: 8 },
);

/** Every directory of this world has all names, to any depth. */
const list = (): readonly string[] => NAMES;

function isWithin(one: PathBytes, other: PathBytes): boolean {
  const [below, above] = [one, other].map((each) =>
    each.length === 1 ? '/' : `${each.toString('latin1')}/`,
  );
  return below?.startsWith(above ?? '') === true;
}

void test('nothing is denied at or below a tree that Landlock is told to allow, where it knows the answer', () => {
  let found = 0;
  fc.assert(
    fc.property(rules, fc.array(path, { maxLength: 20 }), (given, paths) => {
      const index = new RuleIndex(given);
      const trees = allowedTrees(placeTree(marksOf(given), 'allow'), list).filter(
        ({ isDecided }) => isDecided,
      );
      for (const tree of trees) {
        found += 1;
        for (const below of paths) {
          const inside = Buffer.concat([tree.path, tree.path.length > 1 ? below : below.subarray(1)]);
          const asked = inside.at(-1) === 0x2f ? tree.path : tree.path.length > 1 ? inside : below;
          assert.notEqual(index.decide(asked)?.effect, 'deny', asked.toString('latin1'));
        }
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(found > 1000);
});

void test('what a path denies is not told to be allowed, whatever patterns say', () => {
  fc.assert(
    fc.property(rules, path, (given, asked) => {
      const paths = given.filter((rule) => rule.place.kind === 'path');
      const isDenied = new RuleIndex(paths).decide(asked)?.effect === 'deny';
      const trees = allowedTrees(placeTree(marksOf(given), 'allow'), list);
      if (isDenied) assert.ok(!trees.some((tree) => isWithin(asked, tree.path)));
    }),
    { numRuns: 2000 },
  );
});

void test('all that is allowed is told, but for directories on the way and what is left to a supervisor', () => {
  let told = 0;
  fc.assert(
    fc.property(rules, path, (given, asked) => {
      const onlyPaths = given.filter((rule) => rule.place.kind === 'path');
      const tree = placeTree(marksOf(onlyPaths), 'allow');
      const isAllowed = new RuleIndex(onlyPaths).decide(asked)?.effect !== 'deny';
      const isWay = waysOf(tree).some((way) => way.path.equals(asked));
      const isTold = allowedTrees(tree, list).some((each) => isWithin(asked, each.path));
      told += Number(isTold);
      assert.equal(isTold, isAllowed && !isWay);
    }),
    { numRuns: 2000 },
  );
  assert.ok(told > 100);
});

void test('the order of rules means nothing', () => {
  fc.assert(
    fc.property(rules, (given) => {
      const texts = [given, given.toReversed()].map((each) =>
        allowedTrees(placeTree(marksOf(each), 'allow'), list)
          .map(({ path: at, isDecided }) => `${at.toString('latin1')} ${isDecided}`)
          .toSorted(),
      );
      assert.deepEqual(texts[0], texts[1]);
    }),
  );
});

const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  '/': ['etc', 'home', 'new'],
  '/home': ['u', 'v'],
  '/home/u': ['u', 'v'],
};
const told = (marks: readonly Mark[], otherwise: 'allow' | 'deny'): string[] =>
  allowedTrees(placeTree(marks, otherwise), (directory) => ENTRIES[directory.toString()] ?? [])
    .map(({ path: at, isDecided }) => `${at.toString()}${isDecided ? '' : ' undecided'}`)
    .toSorted();
const mark = (effect_: Mark['effect'], at: string): Mark => ({ effect: effect_, path: Buffer.from(at) });

const CASES: [string, Mark[], 'allow' | 'deny', string[]][] = [
  ['no rule', [], 'allow', ['/']],
  ['no rule, all closed', [], 'deny', []],
  ['one that changes nothing', [mark('allow', '/home/u')], 'allow', ['/']],
  ['siblings on the way', [mark('deny', '/home/u')], 'allow', ['/etc', '/home/v', '/new']],
  [
    'an exception in an exception',
    [mark('deny', '/home'), mark('allow', '/home/u'), mark('deny', '/home/u/v')],
    'allow',
    ['/etc', '/home/u/u', '/new'],
  ],
  ['deny wins', [mark('deny', '/home'), mark('allow', '/home')], 'allow', ['/etc', '/new']],
  ['allowed alone', [mark('allow', '/home/u/x'), mark('allow', '/home/u')], 'deny', ['/home/u']],
  ['what does not exist', [mark('deny', '/missing/x')], 'allow', ['/etc', '/home', '/new']],
  [
    'undecided to the bottom',
    [mark('undecided', '/home'), mark('allow', '/home/u')],
    'allow',
    ['/etc', '/home undecided', '/new'],
  ],
];

for (const [about, marks, otherwise, expected] of CASES)
  void test(about, () => assert.deepEqual(told(marks, otherwise), expected));
