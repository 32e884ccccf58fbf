/** The program that uses the library: it ends by itself, is left as it was, and takes its sandboxes with it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { patience } from '../support/environment.ts';
import { commonJsPath, libraryPath } from '../support/library.ts';
import { landlockVersion } from '../support/native.ts';
import { environment, type Outcome, run, start } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Landlock's scope for signals, which comes with the means to take everybody along. */
const LANDLOCK_WITH_SCOPES = 6;

const IMPORTS = {
  'an ES module': ['--input-type=module', `import { Sandbox } from '${libraryPath}';`],
  CommonJS: ['--input-type=commonjs', `const { Sandbox } = require('${commonJsPath}');`],
} as const;

/** Runs a program of which `body` is the inside of an async function. */
function host([type, head]: readonly [string, string], body: string, cwd: string): Promise<Outcome> {
  const text = `${head}\n(async () => {${body}})().catch((error) => { console.error(error); process.exitCode = 1; });`;
  return run([process.execPath, type, '-e', text], { cwd });
}

for (const [kind, head] of Object.entries(IMPORTS)) {
  void test(`a program that imports ${kind} ends by itself, and nothing of it is changed`, async (t) => {
    const body = `
      // Its streams are made when they are used first, and modules are loaded a while longer than they run.
      console.log('begins', process.stderr.fd);
      await new Promise((done) => setTimeout(done, 50));
      const before = look();
      const sandbox = await Sandbox.start({ readOnly: true }, { onRefused() {} });
      const { exitCode, refused } = await sandbox.run('touch', ['a']);
      console.log(exitCode, refused.length);
      await sandbox.close();
      // Handles are closed some turns after they tell so.
      for (let turn = 0; look() !== before && turn < 100; turn += 1) await new Promise((done) => setTimeout(done, 10));
      console.log(look() === before ? 'same' : before + ' ' + look());
      function look() {
        const maps = process.getBuiltinModule('node:fs').readFileSync('/proc/self/maps', 'latin1');
        const listeners = process.eventNames().map((name) => String(name) + process.listenerCount(name));
        return JSON.stringify([/koffi/.test(maps), listeners, process.getActiveResourcesInfo()]);
      }
    `;
    const { code, stdout, stderr } = await host(head, body, temporaryDirectory(t));
    assert.deepEqual([code, stdout, stderr], [0, 'begins 2\n1 1\nsame\n', '']);
  });
}

void test('a sandbox in which nothing runs keeps no program from ending', async (t) => {
  const body = "await Sandbox.start({ readOnly: true }); console.log('started');";
  const { code, stdout, stderr } = await host(IMPORTS['an ES module'], body, temporaryDirectory(t));
  assert.deepEqual([code, stdout, stderr], [0, 'started\n', '']);
});

void test('neither does a child that is not waited for', async (t) => {
  const body = `
    const sandbox = await Sandbox.start({ readOnly: true });
    sandbox.spawn('sleep', ['600'], { stdio: 'ignore' }).unref();
  `;
  const { code, stderr } = await host(IMPORTS['an ES module'], body, temporaryDirectory(t));
  assert.deepEqual([code, stderr], [0, '']);
});

/** Processes that have a word in their command line. */
function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandLine(pid).includes(word));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

async function until(what: () => boolean): Promise<boolean> {
  for (const end = Date.now() + patience(10_000); Date.now() < end; await pause()) if (what()) return true;
  return what();
}

function pause(): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, 20);
  });
}

void test('a program that is killed takes its sandboxes with it', async (t) => {
  // Without these signals secfilt ends, and the command can do nothing more that is referred.
  if (landlockVersion() < LANDLOCK_WITH_SCOPES) return t.skip('Landlock scopes no signals here');
  const [type, head] = IMPORTS['an ES module'];
  const mark = `mark-${process.pid}-${Date.now()}`;
  const text = `${head}
    const sandbox = await Sandbox.start({ readOnly: true });
    sandbox.spawn('sh', ['-c', 'trap "" TERM HUP INT; echo ready; while :; do sleep 1; done', '${mark}'], { stdio: ['ignore', 'inherit', 'inherit'] });
  `;
  const child = start([process.execPath, type, '-e', text], { cwd: temporaryDirectory(t) });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((ready) => child.stdout?.once('data', ready));
  assert.ok(processesWith(mark).length >= 3, 'the program, secfilt and the command');
  child.kill('SIGKILL');
  assert.ok(await until(() => processesWith(mark).length === 0));
});

void test('what is typed at a terminal, or sent to the group, is for the program and its commands', async (t) => {
  const [type, head] = IMPORTS['an ES module'];
  const text = `${head}
    process.on('SIGINT', () => {});
    const sandbox = await Sandbox.start({ readOnly: true });
    const command = 'trap "echo got; exit 5" INT; echo ready; while :; do sleep 0.1; done';
    const { exitCode } = await sandbox.run('bash', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit'] });
    const after = await sandbox.run('echo', ['still here']);
    console.log(exitCode, after.stdout.trim());
  `;
  const words = [type, '-e', text];
  const child = spawn(process.execPath, words, {
    cwd: temporaryDirectory(t),
    env: environment(),
    detached: true,
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    if (said === '') process.kill(-(child.pid ?? 0), 'SIGINT');
    said += part;
  });
  const [code]: unknown[] = await once(child, 'close');
  assert.deepEqual([code, said], [0, 'ready\ngot\n5 still here\n']);
});

void test('an error of a listener is the error of the program', async (t) => {
  const body = `
    process.on('uncaughtException', ({ message }) => console.log(message));
    const sandbox = await Sandbox.start({ readOnly: true }, { onRefused() { throw new Error('of the listener'); } });
    const { refused } = await sandbox.run('sh', ['-c', 'touch a; touch b']);
    console.log(refused.length);
  `;
  const { code, stdout, stderr } = await host(IMPORTS['an ES module'], body, temporaryDirectory(t));
  assert.deepEqual([code, stdout, stderr], [0, 'of the listener\nof the listener\n2\n', '']);
});

void test('where no service can be made a secfilt is started for each command', async (t) => {
  const body = `
    process.env.TMPDIR = '/no/such/directory';
    const start = (backend) => Sandbox.start({ readOnly: true }, { backend });
    console.log(await start('service').catch(({ name, message }) => name + ': ' + message));
    const sandbox = await start('auto');
    console.log((await sandbox.run('touch', ['a'])).refusedCount);
  `;
  const { code, stdout, stderr } = await host(IMPORTS['an ES module'], body, temporaryDirectory(t));
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^SandboxError: .*\n1\n$/);
});

void test('a thread has a service of its own, which ends with it', async (t) => {
  const text = `
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(\`
      const { Sandbox } = require('${commonJsPath}');
      Sandbox.start({ readOnly: true }).then(async (sandbox) => {
        const { exitCode } = await sandbox.run('touch', ['a']);
        require('node:worker_threads').parentPort.postMessage(exitCode);
      });
    \`, { eval: true });
    worker.on('message', (code) => console.log(code));
    worker.on('exit', (code) => console.log('ended', code));
  `;
  const words = [process.execPath, '--input-type=commonjs', '-e', text];
  const { code, stdout, stderr } = await run(words, { cwd: temporaryDirectory(t) });
  assert.deepEqual([code, stdout, stderr], [0, '1\nended 0\n', '']);
});
