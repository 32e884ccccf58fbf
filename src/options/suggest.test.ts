import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { optionNames } from './option-table.ts';
import { editDistance, nearestName } from './suggest.ts';

void test('editDistance() counts insertions, deletions, substitutions and swaps', () => {
  const rows: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['read-onyl', 'read-only', 1],
    ['ca', 'abc', 3],
    ['kitten', 'sitting', 3],
  ];
  for (const [a, b, distance] of rows) assert.equal(editDistance(a, b), distance, `${a} ${b}`);
});

void test('editDistance() is symmetric, zero for equals only, and bounded by the longer word', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length));
    }),
  );
});

void test('nearestName() finds what was meant, and nothing for what is far from all', () => {
  const rows: [string, string | undefined][] = [
    ['reed-only', 'read-only'],
    ['readonly', 'read-only'],
    ['read-onlyy', 'read-only'],
    ['raed-only', 'read-only'],
    ['write', 'write-allow'],
    ['allowed-netmaks', 'allowed-netmasks'],
    ['verbsoe', 'verbose'],
    ['v', undefined],
    ['', undefined],
    ['frobnicate', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, expected] of rows) assert.equal(nearestName(word, optionNames()), expected, word);
});
