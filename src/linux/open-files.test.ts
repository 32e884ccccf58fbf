import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeLimit, parseOpenFilesLimit } from './open-files.ts';

test('parseOpenFilesLimit() reads the line of open files', () => {
  const text =
    'Limit   Soft Limit  Hard Limit  Units\nMax processes 5 6 processes\nMax open files            1024                 524288               files     \n';
  assert.deepEqual(parseOpenFilesLimit(text), { soft: 1024n, hard: 524288n });
  assert.equal(parseOpenFilesLimit('Max open files   unlimited  unlimited files'), undefined);
  assert.equal(parseOpenFilesLimit(''), undefined);
});

test('encodeLimit() is struct rlimit64', () => {
  assert.equal(encodeLimit({ soft: 1n, hard: 256n }).toString('hex'), '01000000000000000001000000000000');
});
