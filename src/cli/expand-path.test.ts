import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandPath, expandPlace } from './expand-path.ts';
import { ValueError } from '../policy/value-error.ts';

const ENVIRONMENT = { HOME: '/home/ann', A: 'a,b', B: '$A', EMPTY: '', É: 'x', UMLAUT: 'ü', LOST: '\ufffd' };

void test('expandPath() puts in the home directory and variables', () => {
  const rows: [string, string][] = [
    ['/a/b', '/a/b'],
    ['~', '/home/ann'],
    ['~/x', '/home/ann/x'],
    ['a/~', 'a/~'],
    ['./~', './~'],
    [String.raw`\~/x`, '~/x'],
    ['$HOME/x', '/home/ann/x'],
    ['${HOME}x', '/home/annx'],
    ['/$A$B', '/a,b$A'],
    [String.raw`/\$A`, '/$A'],
    [String.raw`/\\$A`, String.raw`/\$A`],
    [String.raw`/a\b`, String.raw`/a\b`],
    ['/\xff$UMLAUT', '/\xff\xc3\xbc'],
  ];
  for (const [text, expected] of rows) assert.equal(expandPath(text, ENVIRONMENT), expected, text);
});

void test('expandPath() never lets a variable vanish', () => {
  const rows: [string, RegExp][] = [
    ['$UNSET/x', /needs \$UNSET, which is not set/],
    ['$EMPTY/x', /needs \$EMPTY, which is not set/],
    ['$LOST', /not valid UTF-8/],
    ['/a$', /names no variable/],
    ['/a$/b', /names no variable/],
    ['/${HOME', /names no variable/],
    ['/${}', /names no variable/],
    ['/$(ls)', /names no variable/],
    ['/$1', /names no variable/],
    ['~bob/x', /home of another user/],
  ];
  for (const [text, message] of rows) {
    const matches = (error: unknown): boolean => error instanceof ValueError && message.test(error.message);
    assert.throws(() => expandPath(text, ENVIRONMENT), matches, text);
  }
  assert.throws(() => expandPath('~', {}), /needs \$HOME/);
});

void test('expandPlace() leaves the signs of a place, and gives none to what a variable holds', () => {
  const environment = { HOME: '/home/a*n', GLOB: String.raw`[x]?\\$A`, EMPTY: '' };
  const rows: [string, string][] = [
    ['/a/b', '/a/b'],
    ['~/*', String.raw`/home/a\*n/*`],
    ['./~', './~'],
    [String.raw`\~/x`, String.raw`\~/x`],
    ['/$GLOB/**', String.raw`/\[x\]\?\\\\\$A/**`],
    ['${GLOB}', String.raw`\[x\]\?\\\\\$A`],
    [String.raw`/\$HOME`, String.raw`/\$HOME`],
    [String.raw`/\\$HOME`, String.raw`/\\/home/a\*n`],
    [String.raw`/\*\[`, String.raw`/\*\[`],
  ];
  for (const [text, expected] of rows) assert.equal(expandPlace(text, environment), expected, text);
  assert.throws(() => expandPlace('$EMPTY/*', environment), /needs \$EMPTY, which is not set/);
  assert.throws(() => expandPlace('*$', environment), /names no variable/);
  assert.throws(() => expandPlace('~bob/*', environment), /home of another user/);
});
