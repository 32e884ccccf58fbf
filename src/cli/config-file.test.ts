import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { readCommandLine } from './command-line.ts';
import { readConfigFiles } from './config-file.ts';
import { isPattern, unquotePlace } from '../policy/place-text.ts';
import { expandPlace, quotePathAsPlace, quoteValue } from './expand-path.ts';
import { givenPath } from './given-path.ts';
import { parseArguments } from './parse-arguments.ts';
import { UsageError } from './usage-error.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'config-')));
after(() => rmSync(root, { recursive: true }));
const file = join(root, 'c.conf');
const ENVIRONMENT = { HOME: '/home/ann', DIR: '/x,y' };

function read(path: string): readonly Assignment[] {
  const parsed = parseArguments([`--config=${path}`, 'command']);
  assert.ok(parsed.kind === 'run');
  return readConfigFiles(parsed.assignments, ENVIRONMENT).assignments;
}

function readText(content: string): string[] {
  writeFileSync(file, content, 'latin1');
  return read(file).map(
    ({ option, text, on }) => `${option.name}${option.kind === 'boolean' ? `:${on}` : `=${text}`}`,
  );
}

void test('readConfigFiles() reads key=value lines', () => {
  const rows: [string, string[]][] = [
    ['', []],
    ['read-only=1\n', ['read-only:true']],
    ['read-only=1', ['read-only:true']],
    ['  read-only \t=  no  \r\n', ['read-only:false']],
    ['# comment\n\n   # read-only=1\nquiet=on # comment\n', ['quiet:true']],
    ['write-allow=/a,/b\nallow-write=/c\n', ['write-allow=/a', 'write-allow=/b', 'write-allow=/c']],
    ['write-allow=/a b/c=d,/e#f\n', ['write-allow=/a b/c=d', 'write-allow=/e#f']],
    ['write-allow=/a \\#b # c\n', ['write-allow=/a #b']],
    ['write-allow=/a\\ # c\nwrite-allow=/b\\  \n', ['write-allow=/a ', 'write-allow=/b ']],
    ['write-own=~,$DIR/z,${HOME}\n', ['write-own=/home/ann', 'write-own=/x,y/z', 'write-own=/home/ann']],
    ['allow-unix=@a,~/s\nlog=~/log\n', ['allow-unix=@a', 'allow-unix=/home/ann/s', 'log=/home/ann/log']],
    [
      'write-allow=/caf\xc3\xa9\xc2\xa0\nwrite-allow=/\xff\n',
      ['write-allow=/caf\xc3\xa9\xc2\xa0', 'write-allow=/\xff'],
    ],
    [
      'allowed-netmask=10.0.0.0/8\nallowed-port=80,443\nengine=trace',
      ['allowed-netmasks=10.0.0.0/8', 'allowed-ports=80', 'allowed-ports=443', 'engine=trace'],
    ],
  ];
  for (const [content, expected] of rows)
    assert.deepEqual(readText(content), expected, JSON.stringify(content));
});

void test('readConfigFiles() names file, line and word of what is wrong', () => {
  const rows: [string, string][] = [
    ['\n\nreed-only=1\n', ':3: "reed-only" is not an option: did you mean read-only?'],
    ['--read-only=1', ':1: "--read-only" is not an option: did you mean read-only?'],
    ['frobnicate=1', ':1: "frobnicate" is not an option'],
    ['inlcude=x', ':1: "inlcude" is not an option: did you mean include?'],
    ['[section]', ':1: "[section]" is not an option'],
    ['=1', ':1: "" is not an option'],
    ['read-only', ':1: read-only: "read-only" is not key=value: write read-only=1'],
    ['write-allow', ':1: write-allow: "write-allow" is not key=value: write write-allow=PATH'],
    ['read-only 1', ':1: "read-only 1" is not an option: did you mean read-only?'],
    [
      'read-only=2',
      ':1: read-only: "2" is not a boolean: expected 1 or 0, true or false, yes or no, on or off',
    ],
    [
      'read-only=',
      ':1: read-only: "" is not a boolean: expected 1 or 0, true or false, yes or no, on or off',
    ],
    ['write-allow=', ':1: write-allow needs a value: write-allow=PATH'],
    ['write-allow=/a,', ':1: write-allow: "/a," has an empty item: a comma stands between two items'],
    ['write-own=$NOPE', ':1: write-own: "$NOPE" needs $NOPE, which is not set'],
    ['help=1', ':1: "help" cannot stand in a config file'],
    ['config=x', ':1: "config" cannot stand in a config file: include=FILE does that'],
    ['include=', ':1: include needs a value: include=FILE'],
    ['include', ':1: include needs a value: include=FILE'],
    ['include=gone', ':1: include: "gone" cannot be read: no such file or directory'],
    ['include=c.conf', ':1: include: "c.conf" includes itself'],
    ['\x1b[2J\x9b=1', ':1: "\\x1b[2J\\x9b" is not an option'],
    [
      '\xef\xbb\xbfread-only=1',
      ':1: "\\xef\\xbb\\xbf" is a byte order mark: save the file as UTF-8 without one',
    ],
    ['\xff\xfer\0=\0', ':1: "\\xff\\xfe" is a byte order mark: save the file as UTF-8 without one'],
    ['engine=x', ':1: engine: "x" is none of the choices: expected auto, notify, trace, kernel'],
  ];
  for (const [content, message] of rows) {
    assert.throws(
      () => readText(content),
      { name: 'UsageError', message: `${file}${message}` },
      JSON.stringify(content),
    );
  }
  assert.throws(() => read(join(root, 'none')), {
    message: `--config: "${root}/none" cannot be read: no such file or directory`,
  });
  assert.throws(() => read(root), {
    message: `--config: "${root}" cannot be read: illegal operation on a directory`,
  });
});

void test('readConfigFiles() puts included files where they are included', () => {
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub/one.conf'), 'write-allow=/1\ninclude=two.conf\nwrite-allow=/3\n');
  writeFileSync(join(root, 'sub/two.conf'), 'write-allow=2\n');
  symlinkSync('sub/one.conf', join(root, 'twin.conf'));
  writeFileSync(file, `write-allow=/0\ninclude=sub/one.conf\ninclude=${root}/sub/two.conf\n`);
  const paths = read(file).map((given) => givenPath(given).toString());
  assert.deepEqual(paths, ['/0', '/1', `${root}/sub/2`, '/3', `${root}/sub/2`]);

  writeFileSync(join(root, 'sub/two.conf'), 'include=../twin.conf\n');
  assert.throws(() => read(file), {
    message: `${root}/sub/two.conf:1: include: "../twin.conf" includes itself`,
  });
});

void test('readCommandLine() lets the command line add to the config files and have the last word', async () => {
  writeFileSync(file, 'verbose=1\nwrite-allow=a\nengine=trace\n');
  const other = join(root, 'other.conf');
  writeFileSync(other, 'write-allow=/b\n');
  const line = await readCommandLine([
    '--verbose=0',
    '--write-allow=/c',
    '-c',
    file,
    `--config=${other}`,
    'ls',
  ]);
  assert.ok(line.kind === 'run');
  const { settings, command } = line;
  assert.deepEqual(
    settings.policy.writable.map((given) => givenPath(given).toString()),
    [`${root}/a`, '/b', '/c'],
  );
  assert.deepEqual([settings.engine, settings.verbose], ['trace', false]);
  assert.deepEqual(command, [toBytes('ls')]);
});

void test('a config file may be a pipe of the shell', () => {
  const module = new URL('command-line.js', import.meta.url).href;
  const script = `import('${module}').then(async ({ readCommandLine }) => {
    const line = await readCommandLine(['-c', process.argv[1], 'ls']);
    console.log(line.settings.policy.writable.map(({ text }) => text).join());
  })`;
  const shell = 'exec "$0" -e "$1" -- <(echo write-allow=/x)';
  assert.equal(execFileSync('bash', ['-c', shell, process.execPath, script], { encoding: 'utf8' }), '/x\n');
});

void test('quoteValue() spells an absolute path so that a config file gives it back', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '\t',
    '\r',
    '#',
    '$',
    '~',
    ',',
    '\\',
    '=',
    '\xff',
    '{HOME}',
    '/',
    '*',
    '[a]',
    '?',
  );
  const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(path, (wanted) => {
      assert.deepEqual(readText(`write-own=${quoteValue(toBytes(wanted))?.toString('latin1')}\n`), [
        `write-own=${wanted}`,
      ]);
      const [place = ''] = readText(`write-allow=${quotePathAsPlace(toBytes(wanted))?.toString('latin1')}\n`);
      const text = expandPlace(place.slice('write-allow='.length), {});
      assert.ok(!isPattern(text));
      assert.equal(unquotePlace(text), wanted);
    }),
    { numRuns: 1000 },
  );
  assert.equal(quoteValue(Buffer.from('/a\nb')), undefined);
});

void test('readConfigFiles() fails in no other way than with a usage error, and passes nothing over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
      const content = Buffer.from(bytes).toString('latin1');
      const meaningful = content.split('\n').some((line) => !/^[ \t\r]*(#|$)/.test(line));
      if (meaningful) assert.throws(() => readText(content), UsageError);
      else assert.deepEqual(readText(content), []);
    }),
    { numRuns: 1000 },
  );
});
