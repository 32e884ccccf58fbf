import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { path, relativePath, rule, ruleOf } from './arbitraries.testing.ts';
import type { Rule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { SlowRuleIndex } from './slow-rule-index.testing.ts';

const FREES = { frees: true, closes: false };
const CLOSES = { frees: false, closes: true };
const BOTH = { frees: true, closes: true };
const NOTHING = { frees: false, closes: false };

describe('RuleIndex.difference()', () => {
  const rows: [string, string[], string, string, object][] = [
    ['no rules', [], '/a', '/b', NOTHING],
    // A pattern for everything: all directories are alike, but for what it means by name.
    ['a pattern', ['-/**/.git/hooks'], '/w/a', '/w/b/c', NOTHING],
    ['a directory that a pattern begins with', ['-/**/.git/hooks'], '/w/.git', '/w/git', FREES],
    ['into such a name', ['-/**/.git/hooks'], '/w/git', '/w/.git', CLOSES],
    ['from one such name to another', ['-/**/.git/hooks'], '/w/.git', '/w/a/.git', NOTHING],
    ['what a pattern means', ['-/**/.git/hooks'], '/w/.git/hooks', '/w/hooks', FREES],
    ['below that', ['-/**/.git/hooks'], '/w/.git/hooks/a', '/w/a', FREES],
    ['within that', ['-/**/.git/hooks'], '/w/.git/hooks/a', '/w/.git/hooks/b', NOTHING],
    ['a name of which a pattern is the start', ['-/**/.env'], '/w/.e', '/w/.env.d', NOTHING],
    // A pattern of one tree.
    ['within the tree', ['-/w/**/.env'], '/w/a', '/w/b/c', NOTHING],
    ['out of the tree', ['-/w/**/.env'], '/w/a', '/v', FREES],
    ['into the tree', ['-/w/**/.env'], '/v', '/w/a', CLOSES],
    ['the tree itself', ['-/w/**/.env'], '/w', '/v', FREES],
    ['outside the tree', ['-/w/**/.env'], '/v', '/u/w', NOTHING],
    ['one level down', ['-/w/*/x'], '/w/a', '/w/b', NOTHING],
    ['two levels down', ['-/w/*/x'], '/w/a', '/w/a/b', FREES],
    ['what only an empty name would tell apart', ['-/w/*/x', '-/v/?*/x'], '/w', '/v', NOTHING],
    ['a byte of a set, where another one is a path', ['-/w/[abc]', '-/v/a'], '/w', '/v', FREES],
    ['any byte, where all of a set are paths', ['-/w/[ab]', '-/v/a', '-/v/b'], '/w', '/v', NOTHING],
    // Paths.
    ['siblings of a denied path', ['-/w/.ssh'], '/w/a', '/w/b', NOTHING],
    ['a sibling with a name that begins alike', ['-/w/.ssh'], '/w/.ss', '/w/.sshd', NOTHING],
    ['a directory on the way', ['-/w/p/.ssh'], '/w/p', '/w/q', FREES],
    ['to the way', ['-/w/p/.ssh'], '/w/q', '/w/p', CLOSES],
    ['a denied path', ['-/w/.ssh'], '/w/.ssh', '/w/ssh', FREES],
    ['to a denied path', ['-/w/.ssh'], '/w/ssh', '/w/.ssh', CLOSES],
    ['between denied trees', ['-/a', '-/b'], '/a/x', '/b/y', NOTHING],
    // Exceptions within.
    ['out of an allowed tree', ['-/', '+/w'], '/w/a', '/v/a', CLOSES],
    ['within, where both have the same exception', ['-/', '+/w', '-/**/.env'], '/w/a', '/w/b', NOTHING],
    ['a denied tree with an exception, to nothing', ['-/s', '+/s/x'], '/s', '/t', FREES],
    ['nothing, to a denied tree with an exception', ['-/s', '+/s/x'], '/t', '/s', CLOSES],
    ['an exception that is where all is denied else', ['-/s', '-/t', '+/s/x'], '/s', '/t', CLOSES],
    ['exceptions that are exchanged', ['-/s', '+/s/x', '-/t', '+/t/y'], '/s', '/t', BOTH],
    ['a rule that repeats what is so already', ['-/s', '-/s/x'], '/s/a', '/s/x', NOTHING],
    ['the root', ['-/a'], '/', '/b', FREES],
  ];
  for (const [title, words, from, to, expected] of rows) {
    test(`${title}: ${from} to ${to}`, () => {
      assert.deepEqual(differenceOf(words.map(ruleFrom), from, to), expected);
    });
  }

  test('never misses what is freed or closed', () => {
    const rules = fc.array(rule, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        rules,
        path,
        path,
        fc.array(relativePath, { minLength: 1, maxLength: 10 }),
        (given, from, to, names) => {
          const { frees, closes } = new RuleIndex(given).difference(from, to);
          const slow = new SlowRuleIndex(given);
          const denies = (directory: Buffer, name: Buffer): boolean =>
            slow.decide(join(directory, name))?.effect === 'deny';
          for (const name of [Buffer.alloc(0), ...names]) {
            const [before, after] = [denies(from, name), denies(to, name)];
            if (before && !after)
              assert.equal(frees, true, `${from.toString()} to ${to.toString()}: ${name.toString()}`);
            if (!before && after)
              assert.equal(closes, true, `${from.toString()} to ${to.toString()}: ${name.toString()}`);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('two large trees that are alike: said to be otherwise rather than read to the end', () => {
    assert.deepEqual(differenceOf(alikeTrees(20), '/w', '/v'), NOTHING);
    assert.deepEqual(differenceOf(alikeTrees(5000), '/w', '/v'), BOTH);
    assert.deepEqual(differenceOf(alikeTrees(5000), '/w/7', '/w/8'), NOTHING);
  });

  test('a large tree that goes where no rules are: it is not read to the end', () => {
    const rules = Array.from({ length: 5000 }, (_, i) => ruleOf('deny', `/w/${i}/x`));
    assert.deepEqual(differenceOf(rules, '/w', '/v'), FREES);
    assert.deepEqual(differenceOf(rules, '/v', '/w'), CLOSES);
  });
});

/** In each tree the same. */
function alikeTrees(count: number): Rule[] {
  const names = Array.from({ length: count }, (_, i) => i);
  return ['/w', '/v'].flatMap((tree) =>
    names.flatMap((name) => [ruleOf('deny', `${tree}/${name}`), ruleOf('allow', `${tree}/${name}/x`)]),
  );
}

function differenceOf(rules: readonly Rule[], from: string, to: string): object {
  return new RuleIndex(rules).difference(Buffer.from(from), Buffer.from(to));
}

function ruleFrom(word: string): Rule {
  return ruleOf(word.startsWith('-') ? 'deny' : 'allow', word.slice(1));
}

function join(directory: Buffer, name: Buffer): Buffer {
  if (name.length === 0) return directory;
  return Buffer.concat([directory.length === 1 ? Buffer.alloc(0) : directory, name]);
}
