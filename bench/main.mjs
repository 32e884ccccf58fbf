/**
 * The benchmarks: `npm run bench -- [--quick] [--suite=NAME,…] [--rounds=N] [--script=FILE] [--only=CONTENDER,…] [--no-files]`.
 * Prints tables; writes bench/results.json, bench/RESULTS.md and bench/picture.svg when every suite ran.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allContenders, chooseContenders } from './contenders.mjs';
import { picture } from './picture.mjs';
import { hosts } from './suites/hosts.mjs';
import { memory } from './suites/memory.mjs';
import { micro } from './suites/micro.mjs';
import { reading } from './suites/reading.mjs';
import { rules } from './suites/rules.mjs';
import { scale } from './suites/scale.mjs';
import { service } from './suites/service.mjs';
import { soak } from './suites/soak.mjs';
import { start } from './suites/start.mjs';
import { work } from './suites/work.mjs';
import * as text from './text.mjs';

const SUITES = { start, micro, work, reading, scale, rules, hosts, memory, service, soak };
const here = dirname(fileURLToPath(import.meta.url));

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    suite: { type: 'string', default: Object.keys(SUITES).join(',') },
    rounds: { type: 'string' },
    script: { type: 'string', default: join(here, '..', 'dist', 'secfilt.cjs') },
    only: { type: 'string' },
    'no-files': { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 7));
const names = options.suite.split(',');
const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
if (unknown !== undefined || !(rounds >= 1)) throw new Error(`no suite ${unknown}, or no number of rounds`);

const folder = mkdtempSync(join(tmpdir(), 'secfilt-bench-'));
const memoryFolder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'secfilt-bench-'));
process.on('exit', () => {
  for (const made of [folder, memoryFolder]) rmSync(made, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const machine = {
  model: cpus()[0]?.model ?? 'unknown',
  processors: cpus().length,
  kernel: release(),
  node: process.version,
  load: loadavg()
    .map((load) => load.toFixed(1))
    .join(' '),
};
const programs = compilePrograms(join(folder, 'programs'));
const writable = join(folder, 'files');
mkdirSync(writable);
const wanted = options.only?.split(',');
const everyone = allContenders({ script: options.script, programs });
const { chosen, left } = await chooseContenders(
  everyone.filter(({ name }) => wanted === undefined || name === 'native' || wanted.includes(name)),
  join(folder, 'check'),
);
for (const { name, reason } of left) console.log(`${name}: not measured: ${reason}`);

const results = {
  date: new Date().toISOString().slice(0, 10),
  machine,
  rounds,
  quick: options.quick,
  left,
  tables: [],
};
for (const name of names) {
  console.error(`${name}…`);
  const given = {
    contenders: chosen.filter(({ suites }) => suites?.includes(name) ?? true),
    folder: writable,
    memoryFolder,
    programs,
    script: options.script,
    rounds,
    quick: options.quick,
  };
  try {
    results.tables.push(...(await SUITES[name](given)));
  } catch (error) {
    // The other suites are worth having all the same.
    results.left.push({ name: `suite ${name}`, reason: error.message });
    process.exitCode = 1;
  }
}
console.log(`${text.tables(results)}\n\n${text.targets(results)}`);

const complete = names.length === Object.keys(SUITES).length && wanted === undefined;
if (complete && !options['no-files']) {
  writeFileSync(join(here, 'results.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(join(here, 'RESULTS.md'), text.page(results));
  writeFileSync(join(here, 'picture.svg'), picture(results));
}

function compilePrograms(to) {
  mkdirSync(to);
  for (const name of ['calls', 'notify-loop', 'ptrace-loop']) {
    const { status } = spawnSync('gcc', ['-O2', '-o', join(to, name), join(here, 'c', `${name}.c`)], {
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`gcc could not compile ${name}.c`);
  }
  return to;
}
