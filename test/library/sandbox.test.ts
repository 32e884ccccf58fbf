/** The library: a sandbox in a program, by each of its ways to start commands. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';

import type { Policy, RefusedCall, SandboxOptions } from '../../src/library/index.ts';
import { testEngine, who } from '../support/environment.ts';
import { library } from '../support/library.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const { Sandbox, PolicyError, SandboxError, RunError } = library;
type Box = Awaited<ReturnType<typeof Sandbox.start>>;

const engine: Pick<Policy, 'engine'> = testEngine === 'trace' ? { engine: 'trace' } : {};
type Backend = 'service' | 'direct';
type Start = (t: TestContext, policy: Policy, options?: SandboxOptions) => Promise<Box>;

/** A test for each way to start commands: a service has one engine. */
function forEachBackend(
  name: string,
  body: (t: TestContext, start: Start, backend: Backend) => Promise<void>,
): void {
  for (const backend of ['service', 'direct'] as const) {
    if (backend === 'service' && testEngine === 'trace') continue;
    void test(`${name} (${backend}, ${who})`, async (t) => {
      const start: Start = async (t, policy, options = {}) => {
        const sandbox = await Sandbox.start({ ...engine, ...policy }, { backend, ...options });
        t.after(() => sandbox.close());
        return sandbox;
      };
      if (backend === 'service') {
        const missing = await whyNoService();
        if (missing !== undefined) return t.skip(missing);
      }
      await body(t, start, backend);
    });
  }
}

/** What the machine lacks for one; undefined: nothing. */
async function whyNoService(): Promise<string | undefined> {
  try {
    await (await Sandbox.start({}, { backend: 'service' })).close();
    return undefined;
  } catch (error) {
    if (
      error instanceof SandboxError &&
      /does not tell for sure|no seccomp|permitted|ptrace_scope/.test(error.message)
    )
      return error.message;
    throw error;
  }
}

forEachBackend('a policy holds for what is run, and refusals are told', async (t, start) => {
  const cwd = temporaryDirectory(t);
  const told: RefusedCall[] = [];
  const sandbox = await start(t, { write: { allow: ['in'] } }, { cwd, onRefused: (call) => told.push(call) });
  const script = 'mkdir in && echo x > in/a; echo out; echo err >&2; echo y > b; exit 3';
  const result = await sandbox.run('bash', ['-c', script], { cwd });
  const { exitCode, signal, stdout, stderr, refused, refusedCount, timedOut, truncated } = result;
  assert.deepEqual([exitCode, signal, stdout, timedOut, truncated], [3, null, 'out\n', false, false]);
  assert.match(stderr, /^err\nbash: .*b: Operation not permitted\n$/);
  assert.equal(readFileSync(join(cwd, 'in/a'), 'utf8'), 'x\n');
  assert.equal(existsSync(join(cwd, 'b')), false);
  const [call] = refused;
  assert.deepEqual(call?.object, { kind: 'path', path: join(cwd, 'b') });
  assert.deepEqual(
    [call.verdict, call.operation, call.errno, call.command],
    ['refused', 'create', 'EPERM', 'bash'],
  );
  assert.deepEqual([refusedCount, told], [1, refused]);
});

forEachBackend(
  'what can go wrong with a policy rejects, before anything is run',
  async (_t, _start, backend) => {
    const rows: [unknown, string][] = [
      [{ write: { alow: ['.'] } }, 'write.alow is not a key: did you mean write.allow?'],
      [
        { network: { netmasks: ['192.168.1.1/24'] } },
        'network.netmasks: "192.168.1.1/24" has host bits set: did you mean 192.168.1.0/24?',
      ],
      [
        { write: { allow: ['/no/such/place'] } },
        'write.allow: "/no/such/place" is in a directory that does not exist: /no/such',
      ],
      [
        { unixSockets: ['/s'] },
        'unixSockets has no effect: Unix sockets are open unless files or the network are restricted',
      ],
    ];
    for (const [policy, message] of rows) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a program without types would
      const started = Sandbox.start(policy as Policy, { backend });
      await assert.rejects(started, (error) => error instanceof PolicyError && error.message === message);
    }
  },
);

forEachBackend('each policy is its own', async (t, start) => {
  const cwd = temporaryDirectory(t);
  const [one, two] = await Promise.all([
    start(t, { write: { allow: ['1'] } }, { cwd }),
    start(t, { write: { allow: ['2'] } }, { cwd }),
  ]);
  const script = 'mkdir 1 2 2> /dev/null; ls';
  assert.equal((await one.run('sh', ['-c', script], { cwd })).stdout, '1\n');
  assert.equal((await two.run('sh', ['-c', script], { cwd })).stdout, '1\n2\n');
});

forEachBackend('spawn() gives a child as any other', async (t, start) => {
  const sandbox = await start(t, { readOnly: true });
  const child = sandbox.spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  assert.deepEqual([child.spawnfile, child.spawnargs, child.stdio.length], ['cat', ['cat'], 3]);
  child.stdin.end('to and fro');
  assert.equal(await new Response(Readable.toWeb(child.stdout)).text(), 'to and fro');
  assert.deepEqual(await once(child, 'close'), [0, null]);

  const sleeper = sandbox.spawn('sleep', ['600'], { stdio: 'ignore' });
  await once(sleeper, 'spawn');
  sleeper.kill('SIGTERM');
  assert.deepEqual(await once(sleeper, 'close'), [null, 'SIGTERM']);

  const shell = sandbox.spawn('exit $((6 * 7))', { shell: true });
  assert.deepEqual(await once(shell, 'close'), [42, null]);
});

forEachBackend(
  'a command that is missing, or may not be executed, fails as without a sandbox',
  async (t, start) => {
    const sandbox = await start(t, { readOnly: true });
    const cwd = temporaryDirectory(t);
    writeFileSync(join(cwd, 'text'), '#!/bin/sh\n');
    for (const [command, code] of [
      ['no-such-command', 'ENOENT'],
      ['./no-such-command', 'ENOENT'],
      ['./text', 'EACCES'],
    ] as const) {
      const child = sandbox.spawn(command, ['a'], { cwd });
      const [error] = await once(child, 'error').catch((error: unknown) => [error]);
      assert.ok(error instanceof Error);
      assert.deepEqual(Object.assign({}, error, { errno: 0 }), {
        errno: 0,
        code,
        syscall: `spawn ${command}`,
        path: command,
        spawnargs: ['a'],
      });
      assert.equal(error.message, `spawn ${command} ${code}`);
      assert.equal(child.pid, undefined);
      await assert.rejects(sandbox.run(command, ['a'], { cwd }), { code });
    }
    // By the PATH of its own environment.
    symlinkSync('/bin/echo', join(cwd, 'own-echo'));
    const { stdout } = await sandbox.run('own-echo', ['a'], { env: { PATH: cwd } });
    assert.equal(stdout, 'a\n');
  },
);

forEachBackend(
  'run() takes input, a time limit, a limit of output, a signal, and rejects where it is asked to',
  async (t, start) => {
    const sandbox = await start(t, { readOnly: true });
    assert.equal((await sandbox.run('cat', [], { input: 'text' })).stdout, 'text');
    assert.equal((await sandbox.run('cat', [], { input: Readable.from(['a', 'b']) })).stdout, 'ab');
    assert.equal((await sandbox.run('cat')).stdout, '');
    assert.equal((await sandbox.run('true', [], { input: Buffer.alloc(1_000_000) })).exitCode, 0);
    const { stdout } = await sandbox.run('printf', [String.raw`\377`], { encoding: 'buffer' });
    assert.deepEqual(stdout, Buffer.of(0xff));

    const late = await sandbox.run('sleep', ['600'], { timeout: 300 });
    assert.deepEqual([late.signal, late.timedOut], ['SIGTERM', true]);
    const much = await sandbox.run('yes', [], { maxBuffer: 1000 });
    assert.deepEqual([much.stdout.length, much.truncated], [1000, true]);

    const controller = new AbortController();
    const aborted = sandbox.run('sleep', ['600'], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await assert.rejects(aborted, { message: 'enough' });
    await assert.rejects(sandbox.run('true', [], { signal: controller.signal }), { message: 'enough' });

    await assert.rejects(sandbox.run('sh', ['-c', 'echo x; exit 4'], { reject: true }), (error) => {
      assert.ok(error instanceof RunError);
      assert.deepEqual([error.message, error.exitCode, error.stdout], ['sh ended with 4', 4, 'x\n']);
      return true;
    });
  },
);

forEachBackend(
  'the command has its own environment, and what starts it has none of that',
  async (t, start) => {
    const cwd = temporaryDirectory(t);
    const sandbox = await start(t, { write: { allow: ['in'] } }, { cwd });
    const preload = join(cwd, 'preload.cjs');
    writeFileSync(preload, `require('fs').writeFileSync('${join(cwd, 'ran')}', '')`);
    const env = {
      PATH: process.env['PATH'],
      NODE_OPTIONS: `--require ${preload}`,
      LD_PRELOAD: join(cwd, 'none.so'),
      'a.b': 'c',
      LEFT_OUT: undefined,
    };
    const { stdout, stderr } = await sandbox.run('/usr/bin/env', ['-u', 'LD_PRELOAD', 'env'], { env });
    const lines = stdout.trimEnd().split('\n').toSorted();
    assert.deepEqual(lines, [`NODE_OPTIONS=${env.NODE_OPTIONS}`, `PATH=${env.PATH}`, 'a.b=c']);
    // The linker says so once for each process: secfilt's own Node is none of them.
    assert.doesNotMatch(stderr.replace(/^.*env: /, ''), /node/);
    assert.equal(existsSync(join(cwd, 'ran')), false);
    assert.equal((await sandbox.run('env', [], { env: { PATH: env.PATH } })).stdout, `PATH=${env.PATH}\n`);
  },
);

forEachBackend(
  'of a command that is refused much nothing is lost, and not everything is kept',
  async (t, start) => {
    const cwd = temporaryDirectory(t);
    let told = 0;
    const sandbox = await start(t, { readOnly: true }, { onRefused: () => (told += 1) });
    const script = 'for ((i = 0; i < 3000; i += 1)); do : > a; done 2> /dev/null';
    const { refused, refusedCount } = await sandbox.run('bash', ['-c', script], { cwd });
    assert.deepEqual([refused.length, refusedCount, told], [1000, 3000, 3000]);
  },
);

forEachBackend('close() ends what still runs, and nothing starts afterwards', async (t, start) => {
  const sandbox = await start(t, { readOnly: true });
  const child = sandbox.spawn('sleep', ['600']);
  const running = sandbox.run('sleep', ['600']);
  await once(child, 'spawn');
  const closed = once(child, 'close');
  await sandbox.close();
  assert.deepEqual(await closed, [null, 'SIGKILL']);
  assert.equal((await running).signal, 'SIGKILL');
  assert.throws(() => sandbox.spawn('true'), SandboxError);
  await assert.rejects(sandbox.run('true'), SandboxError);
  await sandbox[Symbol.asyncDispose]();
});

forEachBackend('a signal ends the sandbox, or keeps it from coming into being', async (t, start) => {
  const controller = new AbortController();
  const sandbox = await start(t, { readOnly: true }, { signal: controller.signal });
  const child = sandbox.spawn('sleep', ['600']);
  await once(child, 'spawn');
  controller.abort(new Error('enough'));
  assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL']);
  await assert.rejects(Sandbox.start({}, { signal: controller.signal }), { message: 'enough' });
});
