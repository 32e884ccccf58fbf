import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { asPattern, isPattern, quotePlace, setNamed, unquotePlace } from './place-text.ts';

const text = fc.string({
  unit: fc.constantFrom('a', 'é', '/', ...String.raw`\*?[]$~@,# {}!^-`.split('')),
  maxLength: 8,
});

void test('quotePlace() spells any path so that it means just this path', () => {
  fc.assert(
    fc.property(text, (path) => {
      const quoted = quotePlace(path);
      assert.equal(unquotePlace(quoted), path);
      assert.equal(isPattern(quoted), false);
      assert.doesNotMatch(quoted, /(?<!\\)(?:\\\\)*\$/);
    }),
    { numRuns: 1000 },
  );
});

void test('a backslash takes the meaning from what has one, and is itself before anything else', () => {
  const rows: [string, string, boolean][] = [
    ['/a', '/a', false],
    [String.raw`/a\*`, '/a*', false],
    [String.raw`/a\\*`, String.raw`/a\*`, true],
    [String.raw`/a\b`, String.raw`/a\b`, false],
    [String.raw`a\\`, 'a\\', false],
    ['a\\', 'a\\', false],
    [String.raw`\~/\@x\$\,\ \#`, '~/@x$, #', false],
    ['a]', 'a]', false],
    ['[a', '[a', true],
    ['a?', 'a?', true],
  ];
  for (const [word, path, is] of rows)
    assert.deepEqual([unquotePlace(word), isPattern(word)], [path, is], word);
});

void test('asPattern() leaves the signs of a pattern, and takes the backslash from others', () => {
  assert.equal(asPattern(String.raw`\~/\$a\*\b*[\]]\\\,`), String.raw`~/$a\*\b*[\]]\\,`);
});

void test('only what begins with @ names a set', () => {
  assert.equal(setNamed('@a'), 'a');
  assert.equal(setNamed('@'), '');
  for (const word of ['./@a', String.raw`\@a`, 'a@b']) assert.equal(setNamed(word), undefined);
});
