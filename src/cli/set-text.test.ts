import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSet } from './set-text.ts';

const VALUES: Readonly<Record<string, string>> = {
  HOME: '/home/a*b',
  CARGO: '/c,d',
  LIST: 'FILE:/tmp/one:relative:/tmp/two',
  COLON: '/a:b',
  UID: '1000',
};

function placesOf(content: string): string[] {
  return readSet(content, (name) => VALUES[name]).flatMap(({ places }) => places);
}

void test('readSet() reads a place a line, and what its variables lead to', () => {
  const rows: [string, string[]][] = [
    ['', []],
    ['# topic\n\n/etc/shadow  # passwords: shadow(5)\n', ['/etc/shadow']],
    ['/a', ['/a']],
    ['~/.ssh  # keys', [String.raw`/home/a\*b/.ssh`]],
    ['~', [String.raw`/home/a\*b`]],
    ['$CARGO/x  # y', ['/c,d/x']],
    ['$UNSET/x  # y', []],
    ['${UNSET}/x  # y', []],
    ['$COLON/x', ['/a:b/x', '/a/x']],
    ['${CARGO:-~/.cargo}/x', ['/c,d/x', String.raw`/home/a\*b/.cargo/x`]],
    ['${UNSET:-~/.cargo}/x', [String.raw`/home/a\*b/.cargo/x`]],
    ['/run/user/$UID/gnupg', ['/run/user/1000/gnupg']],
    ['$LIST', ['/tmp/one', '/tmp/two']],
    [String.raw`/Code\ -\ OSS  # blanks`, [String.raw`/Code\ -\ OSS`]],
    [String.raw`/a\$CARGO`, [String.raw`/a\$CARGO`]],
    ['/**/.git/hooks  # a pattern', ['/**/.git/hooks']],
  ];
  for (const [content, places] of rows) assert.deepEqual(placesOf(content), places, content);
  assert.deepEqual(readSet('${CARGO:-~/c}  # x', () => '/v')[0]?.written, '${CARGO:-~/c}');
});

void test('readSet() passes nothing over', () => {
  for (const line of ['/a b', '/a # one blank', ' /a', '/a  b  # c'])
    assert.throws(() => placesOf(line), /has a line that is none of a set/, line);
  assert.throws(() => readSet('~/.ssh', () => undefined), /needs \$HOME, which is not set/);
  assert.throws(() => readSet('${X:-~/.ssh}', () => undefined), /needs \$HOME/);
});
