import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStartNotes } from './start-notes.ts';

void test('parseStartNotes() reads limit, signals, whether there are hidden variables, and the path', () => {
  const note = Buffer.concat([Buffer.from('000000000000012c00000000001010031./'), Buffer.from([0xff])]);
  assert.deepEqual(parseStartNotes(note), {
    openFiles: 300n,
    ignored: [1, 2, 13, 21],
    hides: true,
    path: Buffer.from([0x2e, 0x2f, 0xff]),
  });
});

void test('parseStartNotes() takes nothing else', () => {
  for (const text of ['', '1', '0'.repeat(32), `${'0'.repeat(32)}2`, `${'g'.repeat(32)}0`])
    assert.equal(parseStartNotes(Buffer.from(text)), undefined);
});
