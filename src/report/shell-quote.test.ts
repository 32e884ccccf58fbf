import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { shellQuote } from './shell-quote.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

void test('shellQuote() quotes as little as it must', () => {
  const rows: [string, string][] = [
    ['/home/ann/b', '/home/ann/b'],
    ['--write-allow=/a,/b', '--write-allow=/a,/b'],
    ['', "''"],
    ['a b', "'a b'"],
    ['~/$x', "'~/$x'"],
    ["it's", String.raw`'it'\''s'`],
    ['a\\,b', String.raw`'a\,b'`],
    ['caf\xc3\xa9', "'café'"],
    ['\xff', String.raw`$'\xff'`],
    ['\\x41', String.raw`'\x41'`],
    ["\x1b'\\", String.raw`$'\x1b\'\\'`],
    ['a\nb', String.raw`$'a\x0ab'`],
  ];
  for (const [word, expected] of rows) assert.equal(shellQuote(bytes(word)), expected);
});

void test('bash gives the words back', () => {
  const word = fc.oneof(
    fc.uint8Array({ maxLength: 6 }).map((array) => Buffer.from(array)),
    fc
      .string({
        unit: fc.constantFrom('a', "'", '"', '\\', '$', '`', '!', ' ', '\n', '~', '*', 'é', '\u202e', '4'),
      })
      .map((text) => Buffer.from(text)),
  );
  const words = fc.sample(
    word.filter((array) => !array.includes(0)),
    3000,
  );
  const script = `printf '%s\\0' ${words.map(shellQuote).join(' ')}`;
  const output = execFileSync('bash', ['-s'], { input: script });
  assert.deepEqual(output, Buffer.concat(words.flatMap((array) => [array, Buffer.of(0)])));
});
