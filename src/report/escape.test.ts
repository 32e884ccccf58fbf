import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { escapeBytes, unescapeBytes } from './escape.ts';

void test('escapeBytes() keeps what can be printed and shows all else in hexadecimal', () => {
  const rows: [string | Buffer, string][] = [
    ['/home/ann/b', '/home/ann/b'],
    ['', ''],
    ['a b', 'a b'],
    ['déjà/日本語/🙂', 'déjà/日本語/🙂'],
    ['a\\b', 'a\\\\b'],
    ['\\x1b', '\\\\x1b'],
    ['\x1b[31m', '\\x1b[31m'],
    ['a\nb\tc\0\x7f', 'a\\x0ab\\x09c\\x00\\x7f'],
    ['\u009b31m', '\\xc2\\x9b31m'],
    ['a\u202eb', 'a\\xe2\\x80\\xaeb'],
    ['a\u200bb', 'a\\xe2\\x80\\x8bb'],
    ['\ufeff', '\\xef\\xbb\\xbf'],
    ['\u00ad\u2066\u2028', '\\xc2\\xad\\xe2\\x81\\xa6\\xe2\\x80\\xa8'],
    ['\u00a0\u3000\u2800\u3164', '\\xc2\\xa0\\xe3\\x80\\x80\\xe2\\xa0\\x80\\xe3\\x85\\xa4'],
    ['\ue000\u{10ffff}\u{e0041}', '\\xee\\x80\\x80\\xf4\\x8f\\xbf\\xbf\\xf3\\xa0\\x81\\x81'],
    ['\ufffd', '\ufffd'],
    [Buffer.of(0xff, 0x41, 0x80), '\\xffA\\x80'],
    [Buffer.of(0xc3), '\\xc3'],
    [Buffer.of(0xc0, 0xaf), '\\xc0\\xaf'],
    [Buffer.of(0xe2, 0x82, 0x41), '\\xe2\\x82A'],
    [Buffer.of(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80'],
    [Buffer.of(0xf4, 0x90, 0x80, 0x80), '\\xf4\\x90\\x80\\x80'],
  ];
  for (const [input, expected] of rows) assert.equal(escapeBytes(Buffer.from(input)), expected);
});

void test('unescapeBytes() gives back the bytes, and the text holds nothing that a terminal would obey', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('\\', '\\x', '\\x4', '\\\\x41', '\x1b]0;', '\u202e', '\u{1f468}\u200d')
      .map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
      const bytes = Buffer.concat(parts);
      const text = escapeBytes(bytes);
      assert.deepEqual(unescapeBytes(text), bytes);
      assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u);
      assert.equal(Buffer.from(text).toString(), text);
    }),
    { numRuns: 5000 },
  );
});

void test('escapeBytes() never writes two inputs alike', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 3 }), (a, b) => {
      assert.equal(escapeBytes(a) === escapeBytes(b), Buffer.from(a).equals(b));
    }),
  );
});
