import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toBytes } from './byte-string.ts';
import { wordsOf } from './raw-arguments.ts';

void test('wordsOf() takes the last words, if they are those that Node decoded', () => {
  const rows: [string, string[], string[] | undefined][] = [
    ['node\0script\0a\0b\0', ['a', 'b'], ['a', 'b']],
    ['node\0--stack-size=1\0script\0a\0\0', ['a', ''], ['a', '']],
    ['node\0script\0', [], []],
    ['node\0script\0\xff\0', ['\ufffd'], ['\xff']],
    ['node\0script\0\xc3\xa9\0', ['é'], ['\xc3\xa9']],
    ['a title that was set\0', ['a', 'b'], undefined],
    ['node\0script\0x\0b\0', ['a', 'b'], undefined],
    ['', ['a'], undefined],
  ];
  for (const [commandLine, decoded, expected] of rows)
    assert.deepEqual(wordsOf(commandLine, decoded), expected);
});

void test('wordsOf() loses no byte', () => {
  const word = fc
    .array(fc.integer({ min: 1, max: 255 }), { maxLength: 6 })
    .map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      const commandLine = ['node', 'script', ...words].map((text) => `${text}\0`).join('');
      assert.deepEqual(
        wordsOf(
          commandLine,
          words.map((text) => toBytes(text).toString()),
        ),
        words,
      );
    }),
  );
});

void test('rawArguments() reads the words of a real process', () => {
  const module = new URL('raw-arguments.js', import.meta.url).href;
  const script = `import('${module}').then(({ rawArguments }) => console.log(JSON.stringify(rawArguments())))`;
  const shell = `exec "$0" -e "$1" -- 'a b' "$(printf '\\377\\376')" '' -x`;
  const output = execFileSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
  // Without a script file process.argv has one word less in front, so the first one is cut off as well.
  assert.deepEqual(JSON.parse(output), ['\xff\xfe', '', '-x']);
});

void test('rawArguments() reads a command line to its end, however long', () => {
  const module = new URL('raw-arguments.js', import.meta.url).href;
  const script = `import('${module}').then(({ rawArguments }) => console.log(JSON.stringify(rawArguments())))`;
  const shell = `exec "$0" -e "$1" -- cut "$2" "$(printf '\\377')"`;
  const long = 'x'.repeat(100_000);
  const output = execFileSync('sh', ['-c', shell, process.execPath, script, long], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), [long, '\xff']);
});
