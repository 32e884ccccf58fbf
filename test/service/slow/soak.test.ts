/** Two thousand sandboxes through one service, half of them killed while they start: what it holds afterwards is what it held before. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';

import { isRoot, who } from '../../support/environment.ts';
import { repetitions } from '../../support/repeat.ts';
import { run, start } from '../../support/run.ts';
import { startService, until, type TestService } from '../../support/service.ts';

const SANDBOXES = repetitions('SECFILTER_SOAK_RUNS', 2000);
const AT_A_TIME = 8;
/** Sandboxes by which the code has been compiled and the caches are full. */
const WARM = 400;
/** Milliseconds within which a client has mostly become its command. */
const HANDSHAKE = 8;
/** What may be garbage that nobody has collected yet. */
const MOST_MEMORY_MIB = 24;

interface Held {
  readonly descriptors: number;
  readonly children: number;
  readonly watchdogs: number;
  readonly files: number;
  readonly memory: number;
}

function processes(): { readonly pid: string; readonly parent: number; readonly name: string }[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const [, name = '', parent] =
        /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      return parent === undefined ? [] : [{ pid, name, parent: Number(parent) }];
    } catch {
      return [];
    }
  });
}

function held({ child, socket }: TestService, othersWatchdogs: ReadonlySet<string>): Held {
  const all = processes();
  const memory = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return {
    // Only root may look into what is not dumpable (proc(5)).
    descriptors: isRoot ? readdirSync(`/proc/${child.pid}/fd`).length : 0,
    children: all.filter(({ parent }) => parent === child.pid).length,
    watchdogs: all.filter(({ pid, name }) => name === 'secfilt-watch' && !othersWatchdogs.has(pid)).length,
    files: readdirSync(dirname(socket)).length,
    memory: Number(memory) / 1024,
  };
}

void test(`${SANDBOXES} sandboxes come and go, half of them in the middle of their start (${who})`, async (t) => {
  const others = new Set(processes().flatMap(({ pid, name }) => (name === 'secfilt-watch' ? [pid] : [])));
  const service = await startService(t, ['--read-only', '--quiet']);
  const client = service.client();
  const one = async (index: number): Promise<void> => {
    const child = start([client, 'sh', '-c', 'true >/x; sleep 0.01'], { stdio: 'ignore' });
    if (index % 2 === 1) setTimeout(() => child.kill('SIGKILL'), Math.random() * HANDSHAKE);
    await new Promise((resolve) => child.on('exit', resolve));
  };
  const many = async (from: number, to: number): Promise<void> => {
    let next = from;
    const worker = async (): Promise<void> => {
      while (next < to) await one((next += 1));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  };
  await many(0, WARM);
  await until('rest', () => held(service, others).watchdogs === 0);
  const before = held(service, others);
  await many(WARM, WARM + SANDBOXES);
  await until('no watchdog', () => held(service, others).watchdogs === 0);
  await until('descriptors as before', () => held(service, others).descriptors <= before.descriptors, 20_000);
  const after = held(service, others);
  t.diagnostic(JSON.stringify({ before, after }));
  assert.deepEqual([after.children, after.files], [before.children, before.files]);
  assert.ok(after.memory < before.memory + MOST_MEMORY_MIB, JSON.stringify({ before, after }));
  assert.equal((await run([client, 'sh', '-c', 'exit 5'])).code, 5);
});
