/**
 * Under the trace engine threads are made to make calls for their tracer, with code and memory that are the target's. Here the
 * target does nothing but attack that, and what is outside is compared with what must be true there.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Backing, backings } from '../support/backing.ts';
import { patience, who } from '../support/environment.ts';
import { engines, makeGround, type Ground, saidBy } from '../support/escape.ts';
import { HOSTILE_TRACEE } from '../support/hostile-tracee.ts';
import { repetitions } from '../support/repeat.ts';
import { type Outcome, run, secfiltWords, start } from '../support/run.ts';

/** Each way of attack comes some five times. */
const SECONDS = repetitions('SECFILTER_FUZZ_SECONDS', 5);
const hasCompiler = spawnSync('gcc', ['--version']).status === 0;
const NO_COMPILER = 'gcc is not installed';

interface Outside {
  readonly ground: Ground;
  readonly server: Server;
  /** What is not as it was. */
  changes(): string[];
  command(seconds: number): string[];
}

async function prepare(t: TestContext): Promise<Outside> {
  const ground = makeGround(t);
  const { a, o, root } = ground;
  writeFileSync(join(o, 'gone'), '');
  chmodSync(join(o, 'f'), 0o640);
  const source = join(root, 'hostile.c');
  writeFileSync(source, HOSTILE_TRACEE);
  const program = join(root, 'hostile');
  execFileSync('gcc', ['-O1', '-w', '-pthread', '-o', program, source]);
  const bystander = start(['sleep', '1000'], { stdio: 'ignore' });
  t.after(() => bystander.kill('SIGKILL'));
  const connections: unknown[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    ground,
    server,
    command: (seconds) => [
      program,
      String(seconds),
      join(a, 'f'),
      o,
      String(bystander.pid),
      String(address.port),
    ],
    changes: () => [
      ...(readdirSync(o).toSorted().join(' ') === 'f gone'
        ? []
        : [`outside are ${readdirSync(o).join(' ')}`]),
      ...((statSync(join(o, 'f')).mode & 0o777) === 0o640 ? [] : ['the mode of a file']),
      ...(readFileSync(join(o, 'f'), 'utf8') === 'kept' ? [] : ['the content of a file']),
      ...(bystander.signalCode === null ? [] : ['a process was killed']),
      ...(connections.length === 0 ? [] : ['a connection']),
    ],
  };
}

/** Until what has been done outside has come to be known here. */
async function settle(outside: Outside, wanted: number): Promise<string[]> {
  for (let turn = 0; turn < patience(50) && outside.changes().length < wanted; turn += 1) await sleep(10);
  return outside.changes();
}

function inside(outside: Outside, options: readonly string[], env: Backing['env']): Promise<Outcome> {
  const policy = [`--write-allow=${outside.ground.a}`, '--no-outbound-network'];
  const words = secfiltWords([...options, ...policy, '--', ...outside.command(SECONDS)]);
  return run(words, { cwd: outside.ground.a, env, timeout: 60_000 + 5000 * SECONDS });
}

void test(`S01 a tracee that attacks what is done in its name: its calls work without a sandbox (${who})`, async (t) => {
  if (!hasCompiler) return t.skip(NO_COMPILER);
  const outside = await prepare(t);
  saidBy(await run(outside.command(0), { cwd: outside.ground.a }));
  assert.deepEqual(await settle(outside, 4), [
    'outside are f new node',
    'the mode of a file',
    'a process was killed',
    'a connection',
  ]);
});

for (const { options } of engines.filter(({ name }) => name === 'trace')) {
  for (const backing of backings) {
    void test(`S01 a tracee that attacks what is done in its name: held ${backing.name} (${who})`, async (t) => {
      if (!hasCompiler) return t.skip(NO_COMPILER);
      const outside = await prepare(t);
      const outcome = await inside(outside, options, backing.env);
      assert.deepEqual(await settle(outside, 1), [], JSON.stringify(outcome));
      const said = saidBy(outcome);
      assert.equal(said['direct'], 0);
      assert.ok((said['opens'] ?? 0) > 0, 'files were opened all the while');
      // Each process that was caught is named to the person.
      const named = outcome.stderr.match(/process \d+ was killed: /g) ?? [];
      assert.ok(named.length >= (said['killed'] ?? Infinity), JSON.stringify(outcome));
    });
  }
}
