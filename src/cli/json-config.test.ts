import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import type { Assignment } from './assignments.ts';
import { readCommandLine } from './command-line.ts';
import { readConfigFiles } from './config-file.ts';
import { givenPath } from './given-path.ts';
import { parseJson } from './json-text.ts';
import { makeSettings } from './settings.ts';
import { parseArguments } from './parse-arguments.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'config-')));
after(() => rmSync(root, { recursive: true }));
const file = join(root, 'c.json');

function read(path: string): readonly Assignment[] {
  const parsed = parseArguments([`--config=${path}`, 'command']);
  assert.ok(parsed.kind === 'run');
  return readConfigFiles(parsed.assignments, { HOME: '/home/ann', DIR: '/x', PWD: root }).assignments;
}

function readText(content: string, path = file): string[] {
  writeFileSync(path, content);
  return read(path).map(
    ({ option, text, on }) => `${option.name}${option.kind === 'boolean' ? `:${on}` : `=${text}`}`,
  );
}

void test('a config file may be JSON', () => {
  const text = JSON.stringify({
    $schema: './policy.schema.json',
    write: { allow: ['~/a', 'caf\u00e9', 'a,b'], own: ['~/a', '$DIR'], ownTmp: true },
    network: { ports: [443] },
    unixSockets: ['@a'],
    log: '~/log',
    quiet: true,
  });
  const expected = [
    'write-allow=~/a',
    'write-allow=caf\xc3\xa9',
    'write-allow=a,b',
    'write-own=/home/ann/a',
    'write-own=/x',
    'own-tmp:true',
    'allowed-ports=443',
    'allow-unix=@a',
    'log=/home/ann/log',
    'quiet:true',
  ];
  assert.deepEqual(readText(text), expected);
  // By what it begins with, too.
  assert.deepEqual(readText(`\n ${text}`, join(root, 'c.conf')), expected);
});

void test('paths in it start at its directory, and files that it includes come first', () => {
  writeFileSync(join(root, 'one.conf'), 'write-allow=one\ninclude=two.json\n');
  writeFileSync(join(root, 'two.json'), '{"write": {"allow": ["two"]}}');
  writeFileSync(file, '{"write": {"allow": ["three"]}, "include": ["one.conf", "$DIR/../no"]}');
  assert.throws(() => read(file), {
    message: `${file}:1: include[1]: "$DIR/../no" cannot be read: no such file or directory`,
  });
  writeFileSync(file, '{"write": {"allow": ["three"]}, "include": ["one.conf"]}');
  assert.deepEqual(
    read(file).map((given) => givenPath(given).toString()),
    ['one', 'two', 'three'].map((name) => join(root, name)),
  );
  writeFileSync(join(root, 'two.json'), '{"include": ["c.json"]}');
  assert.throws(() => read(file), { message: `${root}/two.json:1: include[0]: "c.json" includes itself` });
});

void test('the command line adds to it and has the last word', async () => {
  writeFileSync(file, '{"engine": "trace", "write": {"allow": ["/a"]}}');
  const line = await readCommandLine(['--engine=notify', '-c', file, '--write-allow=/b', 'ls']);
  assert.ok(line.kind === 'run');
  assert.equal(line.settings.engine, 'notify');
  assert.deepEqual(
    line.settings.policy.writable.map(({ text }) => text),
    ['/a', '/b'],
  );
});

void test('what is wrong is told with file, line and key', () => {
  const rows: [string, string][] = [
    ['{\n "readOnyl": true}', ':2: readOnyl is not a key: did you mean readOnly?'],
    ['{"write": {\n\n"alow": []}}', ':3: write.alow is not a key: did you mean write.allow?'],
    [
      '{"network": {"ports": [443,\n "http"]}}',
      ':2: network.ports[1]: "http" is not a port: expected a number from 1 to 65535, or a range 8000-8010',
    ],
    ['{"readOnly": 1}', ':1: readOnly: "1" is not a boolean: expected true or false'],
    ['{"write": {"own": ["$NOPE"]}}', ':1: write.own[0]: "$NOPE" needs $NOPE, which is not set'],
    ['[]', ':1: "a list" is not an object: expected { readOnly: true }'],
    ['', ':1: the JSON ends too early: a value is expected'],
    [
      '{"readOnly": true',
      ':1: the JSON ends too early: a comma is expected between two members, or } at the end',
    ],
    ['{"readOnly": true,\n}', ':2: "}" is not JSON: a key in double quotes is expected'],
    ['{\n// why\n}', ':2: "//" is not JSON: there are no comments in it'],
    ["{'readOnly': true}", `:1: "'readOnly'" is not JSON: a key in double quotes is expected`],
    ['{"readOnly": yes}', ':1: "yes" is not JSON: a value is expected'],
    ['{} {}', ':1: "{" is not JSON: nothing may follow'],
    [
      '{"write": {"allow": ["/a"]},\n "write": {"ownTmp": true}}',
      ':2: "write" stands here twice: leave one of them out',
    ],
    ['{"include": "a.json"}', ':1: include: "a.json" is not a list: write ["common.json"]'],
    ['\ufeff{}', ':1: "\\xef\\xbb\\xbf" is a byte order mark: save the file as UTF-8 without one'],
    ['['.repeat(200), ':1: "[" is not JSON: it is nested too deeply'],
  ];
  for (const [content, message] of rows)
    assert.throws(() => readText(content), { name: 'UsageError', message: `${file}${message}` }, content);
  writeFileSync(file, Buffer.from('{"log": "\xff"}', 'latin1'));
  assert.throws(() => read(file), { message: `${file}:1: the file is not UTF-8: JSON is` });
});

void test('a contradiction names the keys', () => {
  const rows: [string, string][] = [
    [
      '{"unixSockets": ["/s"]}',
      ':1: unixSockets[0] has no effect: Unix sockets are open unless files or the network are restricted',
    ],
    [
      '{"write": {"allow": ["/a"]},\n"readOnly": false}',
      ':2: readOnly: "false" contradicts write.allow[0], which implies it: leave one of them out',
    ],
  ];
  for (const [content, message] of rows) {
    writeFileSync(file, content);
    assert.throws(() => makeSettings(read(file)), { name: 'UsageError', message: `${file}${message}` });
  }
});

void test('parseJson() reads what JSON.parse() reads', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), undefined, indent);
      assert.deepEqual(parseJson(spaced).value, JSON.parse(spaced));
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'a', ' ', '\\') }),
      (text) => {
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          assert.throws(() => parseJson(text), { name: 'Error' });
          return;
        }
        try {
          assert.deepEqual(parseJson(text).value, value);
        } catch (error) {
          assert.match(String(error), /stands here twice/);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

void test('the sample in JSON is understood', () => {
  const sample = readFileSync('samples/agent.json', 'utf8');
  assert.ok(readText(sample).includes('allowed-hosts=registry.example:443'));
});
