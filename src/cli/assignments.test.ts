import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { splitList } from './assignments.ts';

void test('splitList() splits at commas that no backslash precedes', () => {
  const rows: [string, string[]][] = [
    ['a', ['a']],
    ['a,b,c', ['a', 'b', 'c']],
    [String.raw`a\,b,c`, ['a,b', 'c']],
    [String.raw`a\b,c`, [String.raw`a\b`, 'c']],
    [String.raw`a\\,b`, [String.raw`a\,b`]],
    ['a,', ['a', '']],
    [',', ['', '']],
    ['', ['']],
    ['a\\', ['a\\']],
    ['\n,\0', ['\n', '\0']],
  ];
  for (const [value, items] of rows) assert.deepEqual(splitList(value), items, JSON.stringify(value));
});

void test('splitList() gives back items whose commas are escaped', () => {
  const item = fc.string({
    unit: fc.constantFrom('a', ',', '\\', '\xff', ' ', '\n'),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(
      fc.array(
        item.filter((text) => !text.endsWith('\\')),
        { minLength: 1, maxLength: 4 },
      ),
      (items) => {
        assert.deepEqual(splitList(items.map((text) => text.replaceAll(',', '\\,')).join(',')), items);
      },
    ),
    { numRuns: 2000 },
  );
  assert.equal(splitList('a,'.repeat(200_000)).length, 200_001);
});
