/**
 * `--why` says what a run would do: its exit code agrees with what really comes of an access, looked at from outside, for a table of
 * policies and places, with Landlock and without.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { run as runWords, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Policies, from the directory with the places. */
const POLICIES: readonly string[] = [
  '',
  '--read-only',
  '--write-allow=project',
  '--write-allow=project --write-deny=project/.git --write-allow=project/.git/objects',
  '--write-deny=project/.git,link',
  '--write-own=project',
  '--read-deny=secret',
  '--read-deny=secret --read-allow=secret/open',
  '--read-deny=**/*.key',
  '--read-deny=secret --write-allow=.',
  '--read-deny=link',
  '--write-allow=project/**/*.log',
  '--exec-deny=tools',
  '--exec-deny=tools --exec-allow=tools/good',
  '--read-deny=tools/bad',
];

const PLACES: readonly string[] = [
  'secret/file',
  'secret/open/file',
  'secret/a.key',
  'project/file',
  'project/new',
  'project/a.key',
  'project/x.log',
  'project/.git/config',
  'project/.git/objects/new',
  'link',
  'other/new',
  '/dev/null',
  '/proc/sys/kernel/ostype',
];

function makeGround(t: TestContext): string {
  const root = temporaryDirectory(t);
  chmodSync(root, 0o755);
  for (const name of ['secret/open', 'project/.git/objects', 'other', 'tools'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of PLACES) if (!/new$|^[/l]/.test(name)) writeFileSync(join(root, name), 'before\n');
  symlinkSync('secret/file', join(root, 'link'));
  for (const name of ['good', 'bad'])
    writeFileSync(join(root, 'tools', name), '#!/bin/sh\n', { mode: 0o755 });
  return root;
}

interface Said {
  readonly allowed: boolean;
  readonly rule: string;
  readonly by: string;
}

async function askAll(
  root: string,
  policy: readonly string[],
  questions: readonly string[],
  env: object,
): Promise<readonly Said[]> {
  const words = ['--json', ...questions.map((question) => `--why=${question}`), ...policy];
  const { code, stdout, stderr } = await secfilt(words, { cwd: root, env: { ...env } });
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().replaceAll('\n', ',');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing shows in the assertions
  const said = JSON.parse(`[${lines}]`) as readonly Said[];
  assert.equal(code, said.every(({ allowed }) => allowed) ? 0 : 1, stdout);
  return said;
}

async function ask(root: string, policy: readonly string[], question: string, env: object): Promise<Said> {
  const [said, ...more] = await askAll(root, policy, [question], env);
  assert.ok(said !== undefined && more.length === 0);
  return said;
}

for (const landlock of [undefined, '0']) {
  const env = { SECFILTER_LANDLOCK: landlock };
  const how = landlock === undefined ? 'as this kernel is' : 'without Landlock';

  void test(`what --why says of files comes about (${how})`, async (t) => {
    const root = makeGround(t);
    const native = await run(root, [], env);
    for (const words of POLICIES) {
      const policy = words === '' ? [] : words.split(' ');
      if (landlock === '0' && words.startsWith('--exec')) continue;
      const seen = await run(root, policy, env);
      const questions = [...seen.keys()].filter((question) => native.get(question) === true);
      const said = await askAll(root, policy, questions, env);
      for (const [index, question] of questions.entries())
        assert.deepEqual(
          { words, question, allowed: said[index]?.allowed },
          { words, question, allowed: seen.get(question) },
        );
    }
  });
}

/** All accesses in one run. @returns which came about, by what --why is asked */
async function run(root: string, policy: readonly string[], env: object): Promise<Map<string, boolean>> {
  const script = [
    'for p in "$@"; do if [ "${p%new}" = "$p" ] && cat "$p" >/dev/null 2>&1; then echo "read:$p"; fi; done',
    'for p in "$@"; do if (echo after >>"$p") 2>/dev/null; then echo "write:$p"; fi; done',
    'for p in tools/good tools/bad; do if "$p" 2>/dev/null; then echo "exec:$p"; fi; done',
  ].join('\n');
  const { stdout } = await secfilt([...policy, '--', 'sh', '-c', script, 'sh', ...PLACES], {
    cwd: root,
    env: { ...env },
  });
  const came = new Set(stdout.split('\n'));
  // What was written shows outside.
  for (const name of PLACES.filter((place) => !place.startsWith('/') && place !== 'link')) {
    const path = join(root, name);
    const isChanged = existsSync(path) && readFileSync(path, 'latin1').includes('after');
    const isSaid = came.has(`write:${name}`) || (name === 'secret/file' && came.has('write:link'));
    assert.equal(isSaid, isChanged, `${policy.join(' ')} ${name}`);
    if (name.endsWith('new')) rmSync(path, { force: true });
    else writeFileSync(path, 'before\n');
  }
  const asked = [
    ...PLACES.filter((place) => !place.endsWith('new')).map((place) => `read:${place}`),
    ...PLACES.map((place) => `write:${place}`),
    'exec:tools/good',
    'exec:tools/bad',
  ];
  return new Map(asked.map((question) => [question, came.has(question)]));
}

void test('what --why says of addresses comes about', async (t) => {
  const root = temporaryDirectory(t);
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens at a port
  const { port } = server.address() as AddressInfo;
  const policies = [
    '--read-only',
    '--no-outbound-network',
    '--allowed-netmasks=127.0.0.0/8',
    '--allowed-netmasks=10.0.0.0/8',
    `--allowed-ports=${port}`,
    '--allowed-ports=9',
    '--mainstream-network-families',
  ];
  for (const policy of policies) {
    const { code } = await secfilt([policy, '--', 'bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`]);
    const { allowed } = await ask(root, [policy], `connect:127.0.0.1:${port}`, {});
    assert.deepEqual({ policy, allowed }, { policy, allowed: code === 0 });
  }
  const named = [`--allowed-hosts=localhost:${port}`];
  assert.equal((await ask(root, named, `connect:127.0.0.1:${port}`, {})).allowed, false);
  const { code, stdout } = await secfilt([`--why=connect:localhost:${port}`, ...named]);
  assert.equal(code, 0, stdout);
  const other = await ask(root, [`--allowed-ports=${port}`], `connect:[::ffff:10.1.2.3]:${port}/udp`, {});
  assert.equal(other.allowed, true);
});

void test('--why names the rule, and what decides in the place of one', async (t) => {
  const root = makeGround(t);
  const env = { HOME: join(root, 'secret') };
  const rule = async (question: string, ...policy: string[]): Promise<string> =>
    (await ask(root, policy, question, env)).rule;
  const nested = ['--write-allow=project', '--write-deny=project/.git', '--write-allow=project/.git/objects'];
  assert.equal(await rule('read:~/file', '--read-deny=secret'), '--read-deny=secret');
  assert.equal(
    await rule('read:~/open/file', '--read-deny=secret', '--read-allow=~/open'),
    '--read-allow=~/open',
  );
  assert.equal(await rule('read:other', '--read-deny=secret'), 'no rule about reading denies it');
  assert.equal(await rule('read:other'), 'reading is not restricted');
  assert.equal(await rule('read:$HOME/.ssh/id_rsa', '--read-deny=@secrets'), '--read-deny=@secrets (~/.ssh)');
  assert.equal(await rule('write:project/new', ...nested), '--write-allow=project');
  assert.equal(await rule('write:project/.git/config', ...nested), '--write-deny=project/.git');
  assert.equal(await rule('write:project/.git/objects/x', ...nested), '--write-allow=project/.git/objects');
  assert.equal(await rule('write:other/new', ...nested), '--read-only, which --write-allow implies');
  assert.equal(
    await rule('write:project/new', '--write-own=project'),
    '--write-own=project: what it makes there itself',
  );
  assert.match(await rule('write:/proc/sys/kernel/ostype'), /^an interface of the kernel/);
  assert.match(
    await rule(`write:${process.execPath}`, '--write-allow=/'),
    /^the next run would begin with it/,
  );
  assert.match(await rule('exec:tools/bad', '--read-deny=tools/bad'), /^--read-deny=tools\/bad$/);
});

void test('--why runs nothing, prints one line, and says what it cannot answer', async (t) => {
  const root = makeGround(t);
  const text = await secfilt(['--why=read:secret/file', '--read-deny=secret', '--', 'touch', 'made'], {
    cwd: root,
  });
  assert.match(
    text.stdout,
    /^refused: read \/\S*\/secret\/file: --read-deny=secret; held by (?:Landlock|the supervisor)\n$/,
  );
  assert.deepEqual([text.code, text.stderr, existsSync(join(root, 'made'))], [1, '', false]);
  for (const question of [
    '',
    'read:',
    'reed:x',
    'connect:x',
    'connect:127.0.0.1:65536',
    'connect:a b:1',
    'read:~nobody/x',
  ]) {
    const wrong = await secfilt([`--why=${question}`]);
    assert.deepEqual([question, wrong.code, wrong.stdout], [question, 125, '']);
    assert.match(wrong.stderr, /^secfilt: --why(?: needs a value)?: /);
  }
  const both = await secfilt(['--why=read:/', '--explain']);
  assert.equal(both.code, 125);
});

void test('whoever reads the answers may have enough of them', async () => {
  const questions = Array.from({ length: 3000 }, () => '--why=read:/etc/passwd');
  const script = '"$@" | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"';
  const { code, stderr } = await runWords(['bash', '-c', script, 'bash', ...secfiltWords(questions)]);
  assert.deepEqual([code, stderr], [0, '']);
});
