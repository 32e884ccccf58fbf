/** A client becomes its command, and stays the child of whoever started it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { secfiltScript, who } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { startService, until, writeClient } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

void test(`exit codes, signals, arguments and environment are the command's own (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const client = service.client();
  assert.equal((await run([client, 'sh', '-c', 'exit 7'])).code, 7);
  assert.equal((await run([client, 'sh', '-c', 'kill -USR2 $$'])).signal, 'SIGUSR2');
  const words = ['', 'two words', '-x', '\t', '"'];
  const { stdout } = await run([client, 'sh', '-c', 'printf "%s|" "$0" "$@" "$MINE"', ...words], {
    env: { MINE: 'm' },
  });
  assert.equal(stdout, [...words, 'm', ''].join('|'));
  assert.equal((await run([client, 'cat'], { stdin: 'through' })).stdout, 'through');
});

void test(`commands are looked up as the client would, from its directory and PATH (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const folder = temporaryDirectory(t);
  const client = service.client();
  const script = (name: string, text: string, mode: number): void => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  script('own', '#!/bin/sh\necho own "$@"', 0o755);
  script('-plain', 'echo plain "$@"', 0o755);
  script('closed', '#!/bin/sh', 0o644);
  mkdirSync(join(folder, 'dir'));
  const there = { cwd: folder };
  assert.equal((await run([client, './own', 'a'], there)).stdout, 'own a\n');
  assert.equal(
    (await run([client, 'own', 'b'], { ...there, env: { PATH: `:/usr/bin:/bin` } })).stdout,
    'own b\n',
  );
  assert.equal((await run([client, '-plain', 'c'], { ...there, env: { PATH: folder } })).stdout, 'plain c\n');
  const missing = await run([client, 'no-such-command'], there);
  assert.deepEqual([missing.code, missing.stderr], [127, 'secfilt: no-such-command: command not found\n']);
  const closed = await run([client, './closed'], there);
  assert.deepEqual([closed.code, closed.stderr], [126, 'secfilt: ./closed: permission denied\n']);
  const directory = await run([client, './dir'], there);
  assert.deepEqual([directory.code, directory.stderr], [126, 'secfilt: ./dir: permission denied\n']);
  const nothing = await run([client], there);
  assert.deepEqual([nothing.code, nothing.stderr], [125, 'secfilt: no command was given\n']);
});

void test(`words of its own come before the arguments (${who})`, async (t) => {
  const service = await startService(t);
  const client = service.client(['--read-only'], ['printf', '%s,%s,%s']);
  assert.equal((await run([client, 'a', 'b', 'c'])).stdout, 'a,b,c');
});

void test(`nothing is open but the standard streams, and closed ones stay closed (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const list = 'for fd in /proc/self/fd/*; do echo "${fd##*/}"; done';
  const shell = `exec 9</dev/null; exec "$0" sh -c '${list}'`;
  // The directory that the shell reads comes last.
  assert.equal((await run(['sh', '-c', shell, service.client()])).stdout, '0\n1\n2\n3\n');
  const closed = `exec "$0" sh -c 'ls /proc/$$/fd' <&-`;
  const { stdout } = await run(['sh', '-c', closed, service.client()]);
  assert.equal(stdout, '1\n2\n');
});

void test(`a policy by its options holds, and another client has another (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const folder = temporaryDirectory(t);
  const [own, allowing] = [service.client(), service.client([`--write-allow=${folder}`])];
  const write = (client: string, name: string) => run([client, 'sh', '-c', `echo x >${folder}/${name}`]);
  assert.notEqual((await write(own, 'one')).code, 0);
  assert.equal((await write(allowing, 'two')).code, 0);
  assert.deepEqual([existsSync(join(folder, 'one')), existsSync(join(folder, 'two'))], [false, true]);
  const wrong = await run([service.client(['--write-alow=/tmp']), 'true']);
  assert.equal(wrong.code, 125);
  assert.match(wrong.stderr, /^secfilt: .*--write-alow.*did you mean --write-allow/);
});

void test(`without a service nothing runs, or what it falls back on (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const socket = join(folder, 'none');
  const wanted = { kind: 'policy', options: undefined } as const;
  const alone = await run([writeClient(join(folder, 'alone'), socket, wanted), 'true']);
  assert.deepEqual([alone.code, alone.stderr], [125, `secfilt: no service answers at ${socket}\n`]);
  const words = { path: process.execPath, argv: [process.execPath, secfiltScript, '--read-only', '--'] };
  const client = writeClient(join(folder, 'client'), socket, wanted, [], words);
  const { code, stdout } = await run([client, 'sh', '-c', `echo "$0" "$@"; echo x >${folder}/f`, 'a', 'b c']);
  assert.deepEqual([code, stdout, existsSync(join(folder, 'f'))], [2, 'a b c\n', false]);
  const broken = { path: join(folder, 'missing'), argv: ['secfilt'] };
  const last = await run([writeClient(join(folder, 'broken'), socket, wanted, [], broken), 'true']);
  assert.deepEqual([last.code, last.stderr], [125, `secfilt: ${folder}/missing: cannot be executed\n`]);
});

void test(`the shell that started it has no other child, and stops and continues it (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const script = `import os, signal, sys, time
pid = os.fork()
if pid == 0: os.execv(sys.argv[1], [sys.argv[1], 'sleep', '60'])
while open(f'/proc/{pid}/comm').read() != 'sleep\\n': time.sleep(.01)
os.kill(pid, signal.SIGSTOP); print(os.WIFSTOPPED(os.waitpid(-1, os.WUNTRACED)[1]))
os.kill(pid, signal.SIGCONT); print(os.WIFCONTINUED(os.waitpid(-1, os.WCONTINUED)[1]))
os.kill(pid, signal.SIGTERM); found = os.waitpid(-1, 0); print(found[0] == pid, os.WTERMSIG(found[1]))
try: os.waitpid(-1, 0)
except ChildProcessError: print('no other')`;
  const { stdout, stderr } = await run(['python3', '-c', script, service.client()]);
  assert.equal(stdout, 'True\nTrue\nTrue 15\nno other\n', stderr);
});

void test(`a service that is killed takes its sandboxes along where signals are scoped, and allows nothing more (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const folder = temporaryDirectory(t);
  const script = `echo $$; while :; do echo x >${folder}/f; sleep 0.05; done`;
  const child = start([service.client(), 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  await until('the command', () => said !== '');
  service.child.kill('SIGKILL');
  const scoped = /^\d+$/m.test(said) && child.pid !== undefined;
  assert.ok(scoped);
  await until('its end', () => child.signalCode !== null || child.exitCode !== null);
  assert.equal(child.signalCode, 'SIGKILL');
  assert.equal(existsSync(join(folder, 'f')), false);
});

void test(`file and gdb take a client for an executable (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const client = writeClient(join(folder, 'client'), '/none', { kind: 'policy', options: undefined });
  assert.equal(readFileSync(client).subarray(0, 4).toString('latin1'), '\x7fELF');
  const { code, stderr } = await run(['readelf', '-hlW', client]);
  assert.deepEqual([code, stderr], [0, '']);
});
