/**
 * docs/log-schema.md against lines of the log: every member is documented, is there where it has to be, and has its type.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot } from '../support/environment.ts';
import { secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const schema = readFileSync(join(projectRoot, 'docs/log-schema.md'), 'utf8');
type Line = Readonly<Record<string, unknown>>;

/** Changes of files, destinations and sockets, refused and allowed, some with an error of their own. */
const SCRIPT = `
const fs = require('fs'), net = require('net'), dgram = require('dgram');
const attempt = (call) => { try { call(); } catch {} };
for (const folder of ['in', 'out']) {
  const at = (name) => folder + '/' + name;
  attempt(() => fs.writeFileSync(at('old'), ''));
  attempt(() => fs.writeFileSync(at('new'), ''));
  attempt(() => fs.writeFileSync(at('a\\n\\\\'), ''));
  attempt(() => fs.mkdirSync(at('d')));
  attempt(() => fs.mkdirSync(at('d')));
  attempt(() => fs.linkSync(at('old'), at('link')));
  attempt(() => fs.renameSync(at('old'), at('moved')));
  attempt(() => fs.chmodSync(at('moved'), 0o600));
  attempt(() => fs.rmdirSync(at('d')));
  net.createServer().on('error', () => {}).listen(at('s')).unref();
}
const tried = (socket) => socket.on('error', () => {}).unref();
for (const path of ['in/s', 'out/other']) tried(net.connect({ path }));
for (const host of ['127.0.0.1', '192.0.2.1', '::1']) tried(net.connect({ host, port: 9 }));
const udp = dgram.createSocket('udp4').on('error', () => {});
udp.send('x', 9, '192.0.2.1', () => setImmediate(() => process.exit(3)));
`;

/** The rows of the table with such a heading, cell by cell. */
function rowsOf(heading: string): string[][] {
  const [, table = ''] = schema.split(`\n| ${heading} |`);
  const [body = ''] = table.split('\n\n');
  return body
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/** Whether a member that is not always there has to be, as the words of its row say. */
function mustHave(there: string, line: Line): boolean {
  if (there === 'always') return true;
  if (there === 'with `pid`') return 'pid' in line;
  if (there.startsWith('where refused')) return line['verdict'] === 'refused';
  assert.match(there, /^(if |unless )/);
  return false;
}

void test('every line of the log is as docs/log-schema.md says', async (t) => {
  const directory = temporaryDirectory(t);
  for (const name of ['in', 'out']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'out/old'), '');
  writeFileSync(join(directory, 'script.cjs'), SCRIPT);
  const log = join(directory, 'log');
  const { code, stderr } = await secfilt(
    [
      '--quiet',
      '-v',
      `--log=${log}`,
      '--write-allow=in',
      '--allowed-netmasks=127.0.0.1',
      '--',
      process.execPath,
      'script.cjs',
    ],
    { cwd: directory },
  );
  assert.equal(code, 3, stderr);
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line): Line => JSON.parse(line));

  const members = rowsOf('member | type | there | meaning');
  const kinds = new Map(
    rowsOf('`object.kind` | other members').map(([kind = '', others = '']) => [
      namesIn(kind)[0],
      namesIn(others.replace(/`protocol`:.*/, '`protocol`')),
    ]),
  );
  const choices = (member: string): string[] =>
    namesIn(members.find(([name]) => name === `\`${member}\``)?.[3] ?? '');
  const unknown = (line: Line): string[] =>
    Object.keys(line).filter((name) => !members.some(([member]) => member === `\`${name}\``));
  const seen = new Set<string>();
  for (const line of lines) {
    const text = JSON.stringify(line);
    assert.deepEqual(unknown(line), [], text);
    for (const [member = '', type, there = ''] of members) {
      const name = namesIn(member)[0] ?? '';
      if (name in line) assert.equal(typeof line[name], type, `${name}: ${text}`);
      else assert.ok(!mustHave(there, line), `${name}: ${text}`);
    }
    for (const member of ['operation', 'verdict', 'layer'])
      assert.ok(choices(member).includes(String(line[member])), `${member}: ${text}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object, as has just been looked at
    const { kind, ...others } = line['object'] as Line;
    assert.deepEqual(Object.keys(others), kinds.get(String(kind)), text);
    for (const value of [line['verdict'], line['operation'], kind]) seen.add(String(value));
  }
  const wanted =
    'allowed refused write create remove rename link change connect send bind path paths address unix-path';
  assert.deepEqual(
    wanted.split(' ').filter((value) => !seen.has(value)),
    [],
  );
});
