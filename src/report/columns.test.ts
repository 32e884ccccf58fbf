import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, mostColumnsOf, padToColumns } from './columns.ts';

void test('columnsOf() knows narrow, wide and joining characters', () => {
  const rows: [string, number][] = [
    ['', 0],
    ['/home/ann/b', 11],
    ['déjà', 4],
    ['e\u0301', 1],
    ['日本語', 6],
    ['カナ', 4],
    ['\uff76\uff85', 2],
    ['한글', 4],
    ['\u1112\u1161\u11ab', 2],
    ['\uff21', 2],
    ['\u{20000}', 2],
    ['🙂👍🏽', 6],
    ['🇩🇪', 2],
    ['©→█', 3],
  ];
  for (const [text, columns] of rows) {
    assert.equal(columnsOf(text), columns, text);
    assert.ok(mostColumnsOf(text) >= columns, text);
    assert.equal(columnsOf(padToColumns(text, 20)), 20, text);
  }
  assert.equal(padToColumns('日本', 3), '日本');
});
