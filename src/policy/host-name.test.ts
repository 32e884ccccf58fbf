import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatHostName, parseHostName } from './host-name.ts';
import { ValueError } from './value-error.ts';

void test('parseHostName() reads names and zones, in any form, into A-labels', () => {
  const rows: [string, string][] = [
    ['db.internal', 'db.internal'],
    ['DB.Internal.', 'db.internal'],
    ['localhost', 'localhost'],
    ['*.example.org', '*.example.org'],
    ['*.Example.ORG.', '*.example.org'],
    ['*', '*'],
    ['*.org', '*.org'],
    ['_ldap._tcp.example.org', '_ldap._tcp.example.org'],
    ['a--b.example', 'a--b.example'],
    ['1.example', '1.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['ＥＸＡＭＰＬＥ.org', 'example.org'],
    [`${'a'.repeat(63)}.org`, `${'a'.repeat(63)}.org`],
  ];
  for (const [word, expected] of rows) assert.equal(formatHostName(parseHostName(word)), expected, word);
});

void test('parseHostName() refuses all else', () => {
  const rows: [string, RegExp][] = [
    ['', /no name/],
    ['.', /empty label/],
    ['..', /empty label/],
    ['a..b', /empty label/],
    ['.example.org', /empty label/],
    ['example.org..', /empty label/],
    ['*.', /no name/],
    ['*example.org', /not its first label: \*\.example\.org/],
    ['a.*.org', /not its first label/],
    ['*.*.org', /not its first label/],
    ['**', /not its first label/],
    ['a b', /no name/],
    ['a/b', /no name/],
    ['a\0b', /no name/],
    ['a%62.org', /no name/],
    ['user@host', /no name/],
    ['http://example.org', /no name/],
    ['[::1]', /no name/],
    ['１.２.３.４', /ends in a number/],
    ['1.2.3', /ends in a number/],
    ['127.1', /ends in a number/],
    ['0x7f.0.0.1', /ends in a number/],
    ['example.0x', /ends in a number/],
    ['2130706433', /ends in a number/],
    ['a／b.example', /no name/],
    ['a％62.example', /no name/],
    ['a\u{200b}\u{202e}.example', /no name/],
    [`${'a'.repeat(64)}.org`, /more than 63/],
    [`${'a.'.repeat(130)}org`, /longer than 253/],
  ];
  for (const [word, expected] of rows) {
    assert.throws(
      () => parseHostName(word),
      (error) => error instanceof ValueError && expected.test(error.message),
      JSON.stringify(word),
    );
  }
});

void test('parseHostName() gives labels of DNS or a ValueError, whatever it is given', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.domain(), fc.webUrl());
  fc.assert(
    fc.property(text, (word) => {
      let name;
      try {
        name = parseHostName(word);
      } catch (error) {
        assert.ok(error instanceof ValueError, String(error));
        return;
      }
      for (const label of name.labels) assert.match(label, /^[a-z\d_-]{1,63}$/);
      assert.deepEqual(parseHostName(formatHostName(name)), name);
    }),
    { numRuns: 2000 },
  );
});
