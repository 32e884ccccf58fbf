/** A program and the service of its sandboxes: both sides of the channel, with a service that holds nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Backend, BackendRequest } from '../library/backend.ts';
import { PolicyError } from '../library/errors.ts';
import { Service, ServiceUnavailable } from '../library/service.ts';

const root = mkdtempSync(join(tmpdir(), 'channel-'));
after(() => rmSync(root, { recursive: true }));
const FAKE = join(import.meta.dirname, 'fake-service.testing.js');
let files = 0;

/** A service, and the file in which it notes. */
function fake(): { service: Service; notes: string } {
  files += 1;
  const notes = join(root, String(files));
  return { service: new Service({ file: process.execPath, args: [FAKE, notes] }), notes };
}

/** What a sandbox is asked for with, and what was told of it. */
function request(
  words: readonly string[] = [],
  ask?: BackendRequest['ask'],
): BackendRequest & { heard: string[]; losses: Error[] } {
  const [heard, losses]: [string[], Error[]] = [[], []];
  return {
    words,
    cwd: '/',
    told: ({ rule }, child) => heard.push(`${rule}: ${child?.spawnargs.join(' ')}`),
    reports: true,
    ask,
    lost: (error) => losses.push(error),
    signal: undefined,
    heard,
    losses,
  };
}

async function until(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !what(); turn += 1) await new Promise((done) => setTimeout(done, 10));
  assert.ok(what());
}

function runIn(backend: Backend, script: string): ReturnType<Backend['start']> {
  return backend.start({ file: 'sh', args: ['-c', script], options: { stdio: 'ignore' } });
}

void test('commands are started by the client, and what is told of each is told before it is settled', async () => {
  const { service, notes } = fake();
  const [one, two] = [request(['--one']), request(['--two'])];
  const [first, second] = await Promise.all([service.open(one), service.open(two)]);
  const started = [runIn(first, 'exit 3'), runIn(second, 'exit 4')] as const;
  const codes = await Promise.all(started.map(async ({ child }) => once(child, 'close')));
  assert.deepEqual(codes, [
    [3, null],
    [4, null],
  ]);
  assert.deepEqual(await Promise.all(started.map(async ({ settled }) => settled())), [5, 5]);
  assert.deepEqual(
    [one.heard, two.heard],
    [['late of --one: sh -c exit 3'], ['late of --two: sh -c exit 4']],
  );
  await first.close();
  assert.equal(readFileSync(notes, 'utf8'), 'closed sandbox 1\n');
  await second.close();
});

void test('what a service says of a policy names the key, and where there can be none is told apart', async () => {
  const { service } = fake();
  await assert.rejects(service.open(request(['--bad'])), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.equal(error.message, 'write.allow: "/x" is in a directory that does not exist: /');
    return error.key === 'write.allow';
  });
  await assert.rejects(
    service.open(request(['--unavailable'])),
    (error) => error instanceof ServiceUnavailable,
  );
});

void test('a call that asks is answered', async () => {
  const { service } = fake();
  const rows: [BackendRequest['ask'], string[], string][] = [
    [async () => 'allow', [], 'allow'],
    [async ({ rule }) => (rule === 'asks' ? 'refuse' : 'allow'), [], 'refuse'],
    // The answer to what nobody waits for is left alone.
    [async () => 'allow', ['--withdraw'], 'refuse'],
  ];
  for (const [ask, words, verdict] of rows) {
    const asked = request(words, ask);
    const backend = await service.open(asked);
    await until(() => asked.heard.length > 0);
    assert.deepEqual(asked.heard, [`${verdict}: undefined`]);
    await backend.close();
  }
});

void test('a service that is gone is told, and whatever waits for it fails', async () => {
  const { service } = fake();
  const lost = request();
  const backend = await service.open(lost);
  const { child, settled } = runIn(backend, 'exit 0');
  const late = service.open(request(['--late']));
  const { pid } = serviceProcess();
  process.kill(pid, 'SIGKILL');
  await assert.rejects(late, { name: 'SandboxError', message: /^the service of the sandboxes has ended/ });
  assert.deepEqual([service.isAlive, lost.losses.length], [false, 1]);
  if (child.exitCode === null) await once(child, 'close');
  // Asked before or after the service was known to be gone.
  const answer = await settled().catch((error: unknown) => error);
  assert.ok(answer === 0 || (answer instanceof Error && answer.name === 'SandboxError'), String(answer));
  await backend.close();
  await assert.rejects(service.open(request()), { name: 'SandboxError' });
});

/** The last service that was started here. */
function serviceProcess(): { pid: number } {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ');
  const pids = children
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(FAKE));
  return { pid: pids.at(-1) ?? 0 };
}

void test('a service that cannot be started says why', async () => {
  const missing = new Service({ file: join(root, 'none'), args: [] });
  await assert.rejects(missing.open(request()), /cannot be started: .*ENOENT/);
  const failing = new Service({ file: process.execPath, args: ['-e', 'throw new Error("no room")'] });
  await assert.rejects(failing.open(request()), /has ended[^]*no room/);
});

/** A program that opens sandboxes and ends in some way. */
async function hostThat(
  ends: string,
): Promise<{ code: number | null; signal: string | null; notes: string }> {
  files += 1;
  const notes = join(root, String(files));
  writeFileSync(notes, '');
  const module = join(import.meta.dirname, '../library/service.js');
  const script = `
    import { Service } from '${module}';
    const service = new Service({ file: process.execPath, args: ['${FAKE}', '${notes}'] });
    const request = { words: [], cwd: '/', told() {}, lost() {} };
    await service.open(request);
    const opening = service.open({ ...request, words: ['--late'] });
    opening.catch(() => undefined);
    ${ends}
  `;
  const words = ['--input-type=module', '-e', script];
  const host = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal]: [number | null, string | null] = await new Promise((done) => {
    host.on('exit', (...end) => done(end));
  });
  await until(() => readFileSync(notes, 'utf8').endsWith('ended\n'));
  return { code, signal, notes: readFileSync(notes, 'utf8') };
}

void test('however a program ends, its sandboxes and the service end with it', async () => {
  const all = 'closed sandbox 1\nclosed sandbox 2\nended\n';
  // Nothing that is there keeps it from ending; what it waits for does.
  assert.deepEqual(await hostThat('await opening;'), { code: 0, signal: null, notes: all });
  assert.deepEqual(await hostThat('process.exit(7);'), { code: 7, signal: null, notes: all });
  assert.deepEqual(await hostThat("process.kill(process.pid, 'SIGKILL');"), {
    code: null,
    signal: 'SIGKILL',
    notes: all,
  });
});
