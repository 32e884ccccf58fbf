/**
 * How secfilt ends: as its command ended.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { run, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

void test('the exit code is the one of the command', async () => {
  for (const code of [0, 1, 2, 77, 124, 125, 126, 127, 128, 130, 255]) {
    const { code: actual, signal } = await secfilt(['--read-only', '--', 'bash', '-c', `exit ${code}`]);
    assert.deepEqual({ code: actual, signal }, { code, signal: null });
  }
});

void test('secfilt dies by the signal that its command died by', async () => {
  for (const name of [
    'SIGKILL',
    'SIGTERM',
    'SIGSEGV',
    'SIGHUP',
    'SIGINT',
    'SIGPIPE',
    'SIGUSR1',
    'SIGABRT',
    'SIGALRM',
  ]) {
    const script = `ulimit -c 0; kill -${name.slice(3)} $$`;
    const { code, signal } = await secfilt(['--read-only', '--', 'bash', '-c', script]);
    assert.deepEqual({ code, signal }, { code: null, signal: name });
  }
});

void test('a shell sees 128 + n after a signal', async () => {
  for (const [name, code] of [
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ] as const) {
    const words = secfiltWords(['--read-only', '--', 'bash', '-c', `ulimit -c 0; kill -${name} $$`]);
    const { stdout } = await run(['bash', '-c', '"$@" 2>/dev/null; echo $?', 'bash', ...words]);
    assert.equal(stdout, `${code}\n`);
  }
});

void test('a command that is not found gives 127', async () => {
  for (const command of ['no-such-command-anywhere', '/no/such/file', './no-such-file']) {
    const { code, stderr } = await secfilt(['--read-only', '--', command]);
    assert.equal(code, 127, stderr);
    assert.match(stderr, new RegExp(`^secfilt: .*${command}`));
  }
  const { code, stderr } = await secfilt(['--read-only', '--', '']);
  assert.equal(code, 127);
  assert.equal(stderr, "secfilt: '': command not found\n");
});

void test('a command that cannot be executed gives 126', async (t) => {
  const directory = temporaryDirectory(t);
  const plain = join(directory, 'plain');
  writeFileSync(plain, '#!/bin/sh\nexit 0\n', { mode: 0o644 });
  const broken = join(directory, 'broken');
  writeFileSync(broken, '#!/no/such/interpreter\n', { mode: 0o755 });
  chmodSync(broken, 0o755);
  mkdirSync(join(directory, 'folder'));
  for (const command of [plain, join(directory, 'folder'), '/etc/passwd']) {
    const { code, stderr } = await secfilt(['--read-only', '--', command]);
    assert.equal(code, 126, `${command}: ${stderr}`);
    assert.match(stderr, /^secfilt: /);
  }
  // The script is there, its interpreter is not: shells call that 127 or 126, execve ENOENT.
  const { code } = await secfilt(['--read-only', '--', broken]);
  assert.ok(code === 126 || code === 127);
});

void test('commands are looked up in PATH as a shell does', async (t) => {
  const directory = temporaryDirectory(t);
  const [first, second] = [join(directory, 'first'), join(directory, 'second')];
  for (const folder of [first, second]) mkdirSync(folder);
  writeFileSync(join(first, 'tool'), 'not executable', { mode: 0o644 });
  writeFileSync(join(second, 'tool'), '#!/bin/sh\necho "$0 $1"\n', { mode: 0o755 });
  const { stdout, stderr } = await secfilt(['--read-only', '--', 'tool', 'a b'], {
    env: { PATH: `${join(directory, 'missing')}:${first}:${second}:/usr/bin:/bin` },
  });
  assert.deepEqual({ stdout, stderr }, { stdout: `${second}/tool a b\n`, stderr: '' });
});

void test('arguments and environment reach the command untouched', async () => {
  const odd = ['', ' ', '--read-only=0', '-c', '--', '\u{fc}\n', '$HOME', "'", '"', '*'];
  const script = 'printf "<%s>" "$@"; printf "%s" "$ODD"';
  const env = { ODD: 'a=b\n\u{fc} c', NODE_OPTIONS: undefined };
  const native = await run(['bash', '-c', script, 'bash', ...odd], { env });
  const inside = await secfilt(['--read-only', '--', 'bash', '-c', script, 'bash', ...odd], { env });
  assert.deepEqual(inside, native);
});

void test('options of the command that look like ours are its own', async () => {
  const { stdout, code } = await secfilt(['--read-only', 'printf', '%s\\n', '--read-only=0', '--help']);
  assert.deepEqual({ stdout, code }, { stdout: '--read-only=0\n--help\n', code: 0 });
});
