/** `ask`: what no rule allows waits for the program's answer, which is for that one call and that one thing. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { AskedCall, Policy, SandboxOptions } from '../../src/library/index.ts';
import { who } from '../support/environment.ts';
import { library } from '../support/library.ts';
import { python } from '../support/escape.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const { Sandbox, SandboxError } = library;
type Box = Awaited<ReturnType<typeof Sandbox.start>>;

/** A sandbox that asks; undefined where no service can be, with a word about it. */
async function asking(
  t: TestContext,
  policy: Policy,
  ask: NonNullable<SandboxOptions['ask']>,
  more: SandboxOptions = {},
): Promise<Box | undefined> {
  try {
    const sandbox = await Sandbox.start(policy, { backend: 'service', ask, ...more });
    t.after(() => sandbox.close());
    return sandbox;
  } catch (error) {
    const lacks =
      error instanceof SandboxError && /does not tell|no seccomp|permitted|ptrace_scope/.test(error.message);
    if (!lacks) throw error;
    t.skip(error.message);
    return undefined;
  }
}

function pathOf({ object }: AskedCall): string {
  return 'path' in object && typeof object.path === 'string' ? object.path : '';
}

void test(`reads that no rule allows are asked about, and told (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'denied'));
  for (const name of ['yes', 'no', 'denied/file']) writeFileSync(join(folder, name), `${name}\n`);
  const asked: string[] = [];
  const policy = { read: { deny: ['/', join(folder, 'denied')], allow: ['@system'] } };
  const sandbox = await asking(t, policy, (call) => {
    asked.push(`${call.operation} ${pathOf(call)}`);
    return pathOf(call).endsWith('/yes') ? 'allow' : 'refuse';
  });
  if (sandbox === undefined) return;
  const { stdout, refused } = await sandbox.run('cat', ['yes', 'no', 'denied/file'], { cwd: folder });
  assert.equal(stdout, 'yes\n');
  assert.deepEqual(
    asked,
    ['yes', 'no'].map((name) => `read ${join(folder, name)}`),
  );
  assert.deepEqual(
    refused.map((call) => [call.operation, call.errno, pathOf(call)]),
    ['no', 'denied/file'].map((name) => ['read', 'EACCES', join(folder, name)]),
  );
});

void test(`what is allowed is done, what is refused is not, and told (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const asked: string[] = [];
  const sandbox = await asking(t, { readOnly: true }, (call) => {
    asked.push(pathOf(call));
    return pathOf(call).endsWith('/no') ? 'refuse' : Promise.resolve('allow');
  });
  if (sandbox === undefined) return;
  const script = `echo x >yes; echo y >no; mkdir d && mv yes d/moved; chmod 600 d/moved; rm d/moved`;
  const { refused } = await sandbox.run('sh', ['-c', script], { cwd: folder });
  assert.deepEqual(
    refused.map((call) => [call.operation, pathOf(call)]),
    [['create', join(folder, 'no')]],
  );
  assert.deepEqual(
    ['yes', 'no', 'd', 'd/moved'].map((name) => existsSync(join(folder, name))),
    [false, false, true, false],
  );
  assert.ok(asked.includes(join(folder, 'yes')) && asked.includes(join(folder, 'd')), asked.join(' '));
  // Each call is asked about: an answer is no rule.
  await sandbox.run('sh', ['-c', 'echo x >yes; echo x >yes'], { cwd: folder });
  assert.ok(asked.filter((path) => path === join(folder, 'yes')).length >= 3);
});

void test(`connections are asked about too (${who})`, async (t) => {
  const server = createServer((socket) => socket.end('hello'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const verdicts: ('allow' | 'refuse')[] = ['allow', 'refuse'];
  const sandbox = await asking(t, { network: 'none' }, () => verdicts.shift() ?? 'refuse');
  if (sandbox === undefined) return;
  const script = `for _ in range(2):
    try:
        s = socket.create_connection(('127.0.0.1', ${address.port})); print(s.recv(9).decode())
    except OSError as error: print(error.errno)`;
  const [command, ...args] = python(script);
  const { stdout, stderr } = await sandbox.run(command, args);
  assert.equal(stdout, 'hello\n1\n', stderr);
});

void test(`who waits keeps nobody waiting, and ends when it is ended (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  let waits: (() => void) | undefined;
  const waiting = new Promise<void>((done) => (waits = done));
  const sandbox = await asking(t, { readOnly: true }, () => {
    waits?.();
    return new Promise(() => {});
  });
  if (sandbox === undefined) return;
  const abort = new AbortController();
  const slow = sandbox.run('sh', ['-c', 'echo x >never'], { cwd: folder, signal: abort.signal });
  await waiting;
  assert.equal((await sandbox.run('sh', ['-c', 'exit 4'])).exitCode, 4);
  abort.abort();
  await assert.rejects(slow);
  assert.equal(existsSync(join(folder, 'never')), false);
});

void test(`no answer in time, an answer that is none, and a throw are refusals (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const answers: (() => unknown)[] = [
    () => new Promise(() => {}),
    () => 'yes',
    () => undefined,
    () => {
      throw new Error('mine');
    },
    () => Promise.reject(new Error('mine')),
  ];
  const next = answers[Symbol.iterator]();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is not typed may come
  const ask = (() => next.next().value?.()) as NonNullable<SandboxOptions['ask']>;
  const sandbox = await asking(t, { readOnly: true }, ask, { askTimeout: 100 });
  if (sandbox === undefined) return;
  for (let name = 0; name < answers.length; name += 1) {
    const result: { readonly refusedCount: number } = await sandbox.run('sh', ['-c', `true >${name}`], {
      cwd: folder,
    });
    assert.deepEqual([result.refusedCount, existsSync(join(folder, `${name}`))], [1, false]);
  }
});

void test(`what the call names when the answer comes is asked about anew (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'kept'), 'kept');
  const asked: string[] = [];
  const sandbox = await asking(t, { readOnly: true }, async (call) => {
    asked.push(pathOf(call));
    // By then the thread has changed what the pointer leads to.
    await new Promise((done) => setTimeout(done, 300));
    return pathOf(call).endsWith('/mine') ? 'allow' : 'refuse';
  });
  if (sandbox === undefined) return;
  const script = `name = ctypes.create_string_buffer(b'${folder}/mine', 4096)
def change():
    time.sleep(.1); name.value = b'${folder}/kept'
threading.Thread(target=change).start()
print(sc(2, ctypes.addressof(name), 0o101, 0o600))`;
  const [command, ...args] = python(script);
  const { stdout, stderr } = await sandbox.run(command, args);
  assert.equal(stdout, '-1\n', stderr);
  assert.deepEqual(asked, [join(folder, 'mine'), join(folder, 'kept')]);
  assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'kept');
});

/** Asks the first time, and says so; nobody else is asked about what the name is changed to meanwhile. */
async function raced(t: TestContext, script: (folder: string) => string): Promise<string[] | undefined> {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'd'));
  for (const name of ['d/kept', 'draft', 'final']) writeFileSync(join(folder, name), name, { mode: 0o600 });
  const asked: string[] = [];
  const sandbox = await asking(t, { readOnly: true }, async ({ object }) => {
    asked.push(JSON.stringify(object));
    await new Promise((done) => setTimeout(done, 300));
    return asked.length === 1 ? 'allow' : 'refuse';
  });
  if (sandbox === undefined) return undefined;
  const [command, ...args] = python(script(folder));
  const { stdout, stderr } = await sandbox.run(command, args);
  assert.equal(stdout, '-1\n', stderr);
  assert.equal(asked.length, 2, asked.join(' '));
  return ['d/kept', 'final', 'draft'].map((name) => {
    const path = join(folder, name);
    return `${readFileSync(path, 'utf8')} ${(statSync(path).mode & 0o777).toString(8)}`;
  });
}

const NOTHING_CHANGED = ['d/kept 600', 'final 600', 'draft 600'];

void test(`a directory that is allowed is not what lies in it (${who})`, async (t) => {
  const left = await raced(
    t,
    (folder) => `name = ctypes.create_string_buffer(b'${folder}/d', 4096)
def change():
    time.sleep(.1); name.value = b'${folder}/d/kept'
threading.Thread(target=change).start()
print(sc(90, ctypes.addressof(name), 0o777))`,
  );
  if (left !== undefined) assert.deepEqual(left, NOTHING_CHANGED);
});

void test(`two names that are allowed are not those names the other way round (${who})`, async (t) => {
  const left = await raced(
    t,
    (
      folder,
    ) => `one, two = (ctypes.create_string_buffer(b'${folder}/' + name, 4096) for name in (b'draft', b'final'))
def change():
    time.sleep(.1); one.value, two.value = two.value, one.value
threading.Thread(target=change).start()
print(sc(82, ctypes.addressof(one), ctypes.addressof(two)))`,
  );
  if (left !== undefined) assert.deepEqual(left, NOTHING_CHANGED);
});
