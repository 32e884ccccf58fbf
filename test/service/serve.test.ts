/** `secfilt --serve`: where it listens, what it says, how it is told something new, and how it ends. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot, secfiltScript, who } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { startService, until, writeClient } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const SECFILT = [process.execPath, secfiltScript];
const OWN = { kind: 'policy', options: undefined } as const;

void test(`what cannot be served says so, with 125 (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  for (const name of ['own', 'open']) mkdirSync(join(folder, name), { mode: 0o700 });
  chmodSync(join(folder, 'open'), 0o755);
  const service = await startService(t);
  const cases: readonly (readonly [words: readonly string[], said: RegExp])[] = [
    [
      [`--serve=${folder}/open/s`],
      /^secfilt: --serve cannot listen: .*open: others can enter it \(chmod 700\)/,
    ],
    [[`--serve=${folder}/missing/s`], /^secfilt: --serve: .* is in a directory that does not exist/],
    [[`--serve=${service.socket}`], /^secfilt: --serve cannot listen: a service is there already/],
    [[`--serve=${folder}/own/${'x'.repeat(120)}`], /^secfilt: .*at most \d+ bytes/],
    [['--serve', 'true'], /^secfilt: --serve: "true" is too much: it runs no command/],
    [[`--serve=${folder}/own/s`, '--engine=trace'], /^secfilt: --engine: "trace" does not go with --serve/],
    [[`--serve=${folder}/own/s`, '--learn=/tmp/x'], /^secfilt: --learn does not go with --serve/],
    [[`--serve=${folder}/own/s`, '--json'], /^secfilt: --json has no effect/],
    [[`--serve=${folder}/own/s`, '--status'], /^secfilt: --serve contradicts --status/],
    [[`--serve=${folder}/own/s`, '--allowed-ports=x'], /^secfilt: --allowed-ports: /],
    [[`--status=${folder}/own/s`], /^secfilt: no service answers at /],
  ];
  for (const [words, said] of cases) {
    const { code, stderr } = await run([...SECFILT, ...words]);
    assert.deepEqual([code, said.test(stderr)], [125, true], stderr);
  }
  assert.equal(existsSync(join(folder, 'own/s')), false);
});

void test(`where no new privileges are to be had it does not start (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const words = [...SECFILT, `--serve=${folder}/s`];
  const { code, stderr } = await run(['setpriv', '--no-new-privs', ...words]);
  assert.deepEqual(
    [code, /cannot serve: no new privileges are permitted here/.test(stderr)],
    [125, true],
    stderr,
  );
});

void test(`what one that was killed has left is no hindrance, a link is (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  service.child.kill('SIGKILL');
  await until('its end', () => service.child.signalCode !== null);
  assert.equal((await run([service.client(), 'true'])).code, 125);
  const words = [...SECFILT, `--serve=${service.socket}`, '--read-only'];
  const again = start(words, { stdio: ['ignore', 'inherit', 'inherit'] });
  t.after(() => again.kill('SIGKILL'));
  const client = service.client();
  for (let code: number | null = 125; code !== 0;) ({ code } = await run([client, 'true']));
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'real'), { mode: 0o755 });
  symlinkSync('real', join(folder, 'link'));
  const { code } = await run([...SECFILT, `--serve=${folder}/link/s`]);
  assert.equal(code, 125);
});

void test(`--status shows what runs (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const status = async (...more: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run([...SECFILT, `--status=${service.socket}`, ...more]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.equal(await status(), 'no sandbox runs\n');
  const client = service.client(['--write-allow=/nowhere']);
  const outside = join(temporaryDirectory(t), 'x');
  const child = start([client, 'sh', '-c', `true >${outside}; echo; exec sleep 60`, '\u001b[31m'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const parsed = await status('--json');
  assert.match(
    parsed,
    new RegExp(
      `^\\{"sandboxes":\\[\\{"pid":${child.pid},"command":\\["sleep","60"\\],"policy":\\["--write-allow=/nowhere"\\],"age":\\d+,"referrals":1,"refusals":1\\}\\],"more":0\\}\n$`,
    ),
  );
  assert.match(await status(), /^PID +AGE .*\n\d+ +\d+ s +1 +1 .*--write-allow=\/nowhere\n$/);
  assert.equal((await status()).includes('\u001b'), false);
});

void test(`SIGHUP makes another policy that of sandboxes to come; a wrong one changes nothing (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const [config, allowed] = [join(folder, 'config'), join(folder, 'allowed')];
  mkdirSync(allowed);
  writeFileSync(config, 'read-only=1\n');
  const service = await startService(t, [`--config=${config}`]);
  const client = service.client();
  const writes = async (): Promise<boolean> =>
    (await run([client, 'sh', '-c', `echo x >${allowed}/f`])).code === 0;
  assert.equal(await writes(), false);
  writeFileSync(config, 'write-alow=1\n');
  service.child.kill('SIGHUP');
  await until('a complaint', () => service.said().includes('the policy stays as it was'));
  assert.equal(await writes(), false);
  writeFileSync(config, `write-allow=${allowed}\n`);
  service.child.kill('SIGHUP');
  for (const end = Date.now() + 10_000; !(await writes());) assert.ok(Date.now() < end, service.said());
});

void test(`SIGTERM tells the commands, which may end in peace (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const script = 'trap "echo told; exit 9" TERM; echo; while :; do sleep 0.05; done';
  const child = start([service.client(), 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  await until('the command', () => said === '\n');
  service.child.kill('SIGTERM');
  await until('both ends', () => child.exitCode !== null && service.child.exitCode !== null);
  assert.deepEqual([said, child.exitCode, service.child.exitCode], ['\ntold\n', 9, 0]);
  assert.equal(existsSync(service.socket), false);
});

void test(`a second SIGTERM ends what does not listen (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  const child = start([service.client(), 'sh', '-c', 'trap "" TERM; echo; while :; do sleep 0.05; done'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  service.child.kill('SIGTERM');
  await until('no socket', () => !existsSync(service.socket));
  service.child.kill('SIGTERM');
  await until('both ends', () => child.signalCode !== null && service.child.exitCode !== null);
  assert.deepEqual([child.signalCode, service.child.exitCode], ['SIGKILL', 0]);
});

function unit(name: string): string {
  return readFileSync(join(projectRoot, 'share/systemd', name), 'utf8');
}

/** Hands over a socket and waits for READY=1, as a service manager does, then runs a client. */
const MANAGER = `import os, socket, subprocess, sys
folder, client, words = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); listener.bind(folder + '/socket'); listener.listen()
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); manager.bind(folder + '/notify'); manager.settimeout(20)
pid = os.fork()
if pid == 0:
    os.dup2(listener.fileno(), 3); os.set_inheritable(3, True)
    os.execve(words[0], words, {**os.environ, 'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'NOTIFY_SOCKET': folder + '/notify'})
listener.close()
print(manager.recv(100).decode()); print(subprocess.run([client, 'sh', '-c', 'exit 6']).returncode)
os.kill(pid, 15); print(manager.recv(100).decode()); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

void test(`a service manager hands it its socket and hears of it (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const socket = join(folder, 'socket');
  const client = writeClient(join(folder, 'client'), socket, OWN);
  const words = [...SECFILT, `--serve=${socket}`, '--read-only'];
  const { stdout, stderr } = await run(['python3', '-c', MANAGER, folder, client, ...words]);
  assert.equal(stdout, 'READY=1\n6\nSTOPPING=1\n0\n', stderr);
});

void test('the units of the service manager name what there is', () => {
  assert.match(unit('secfilt.service'), /^Type=notify\n/m);
  assert.match(unit('secfilt.service'), /^ExecStart=secfilt --serve --read-only$/m);
  assert.match(unit('secfilt.socket'), /^ListenSequentialPacket=%t\/secfilt\/service$/m);
});
