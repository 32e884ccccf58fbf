// Many sandboxes in one supervisor: what each costs, and what one has to do with the others.
import { execFile, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { environment, interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';
import { clientFor, theService } from '../service.mjs';
import { residentBytes } from './memory.mjs';

const IDLE = 200;
const CALLS = 4000;
/** Milliseconds until sandboxes that were started are at rest. */
const REST = 1500;

export async function service({ folder, memoryFolder, programs, rounds, script }) {
  const client = clientFor(script, 'idle', `--write-allow=${memoryFolder}`);
  const tables = [
    await library({ script, rounds }),
    await neighbours({ client, memoryFolder, programs, rounds }),
  ];
  tables.push(await memory({ client, script, folder, memoryFolder, programs, rounds }));
  return tables;
}

async function timed({ run }) {
  const begin = performance.now();
  await run();
  return (performance.now() - begin) * 1e6;
}

/** Starting a command from a program. */
async function library({ script, rounds }) {
  const { Sandbox } = await import(pathToFileURL(join(script, '../library/esm/index.js')).href);
  const sandbox = await Sandbox.start({ readOnly: true });
  const execute = promisify(execFile);
  const contestants = [
    { name: 'execFile', run: () => execute('true') },
    { name: 'sandbox.run', run: () => sandbox.run('true') },
  ];
  await interleave(contestants, 10, timed);
  const row = {
    name: 'true',
    unit: 'ns',
    base: 'execFile',
    ...(await interleave(contestants, rounds * 10, timed)),
  };
  await sandbox.close();
  const target = {
    text: 'library, sandbox.run : execFile',
    row,
    name: 'sandbox.run',
    base: 'execFile',
    limit: 1.6,
  };
  return table('library', 'A command started by a program', [row], [target]);
}

/** The slowest of a hundred referrals, alone and beside a sandbox that never stops. */
async function neighbours({ client, memoryFolder, programs, rounds }) {
  const latency = async () =>
    Number((await runWell([client, join(programs, 'calls'), 'open-write-p99', '400', memoryFolder])).stdout);
  const contestants = [
    { name: 'alone', measure: latency },
    {
      name: 'beside one that hammers',
      measure: async () => {
        const words = [client, join(programs, 'calls'), 'open-write', '100000000', memoryFolder];
        const hammer = startAside(words);
        await pause(200);
        const result = await latency();
        hammer.kill('SIGKILL');
        return result;
      },
    },
  ];
  const result = await interleave(contestants, rounds, (contestant) => contestant.measure());
  const row = { name: 'p99 of a write-open', unit: 'ns', base: 'alone', ...result };
  const target = {
    text: 'latency (p99) beside one that hammers : alone',
    row,
    name: 'beside one that hammers',
    base: 'alone',
    limit: 4,
  };
  return table('neighbours', 'A sandbox beside another in one service', [row], [target]);
}

/** Idle sandboxes: their memory, and what a referral costs beside them. */
async function memory({ client, script, memoryFolder, programs, rounds }) {
  const { pid } = theService(script);
  const referral = async () =>
    Number(
      (await runWell([client, join(programs, 'calls'), 'open-write', String(CALLS), memoryFolder])).stdout,
    );
  const alone = [];
  for (let round = 0; round < rounds; round += 1) alone.push(await referral());
  const before = residentBytes(pid);
  const idle = Array.from({ length: IDLE }, () => startAside([client, 'sleep', '600']));
  await pause(REST);
  const beside = [];
  for (let round = 0; round < rounds; round += 1) beside.push(await referral());
  const each = (residentBytes(pid) - before) / IDLE + watchdogBytes();
  for (const child of idle) child.kill('SIGKILL');
  const calls = {
    name: 'write-open',
    unit: 'ns',
    base: 'one sandbox',
    values: new Map([
      ['one sandbox', alone],
      ['beside 200 idle', beside],
    ]),
    failed: new Map(),
  };
  const bytes = {
    name: 'each idle sandbox',
    unit: 'bytes',
    base: '0.3 MiB',
    values: new Map([
      ['0.3 MiB', [0.3 * 2 ** 20]],
      ['measured', [each]],
    ]),
    failed: new Map(),
  };
  return table(
    'sandboxes',
    `${IDLE} idle sandboxes in one service`,
    [calls, bytes],
    [
      {
        text: 'write-open beside 200 idle sandboxes : with one',
        row: calls,
        name: 'beside 200 idle',
        base: 'one sandbox',
        limit: 1.2,
      },
      {
        text: 'memory of an idle sandbox : 0.3 MiB',
        row: bytes,
        name: 'measured',
        base: '0.3 MiB',
        limit: 1,
      },
    ],
  );
}

function startAside(words) {
  return spawn(words[0], words.slice(1), { env: environment(), stdio: 'ignore' });
}

/** What one watchdog holds that nobody shares, on average (proc(5), smaps_rollup). */
function watchdogBytes() {
  const sizes = readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || readFileSync(`/proc/${name}/comm`, 'latin1') !== 'secfilt-watch\n')
        return [];
      return [
        1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${name}/smaps_rollup`, 'latin1'))?.[1]),
      ];
    } catch {
      return [];
    }
  });
  return sizes.reduce((sum, size) => sum + size, 0) / Math.max(sizes.length, 1);
}
