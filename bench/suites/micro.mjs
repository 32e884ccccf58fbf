// One kind of call, many times, timed in the process that makes it.
import { join } from 'node:path';
import { interleave, runWell } from '../run.mjs';
import { table } from '../results.mjs';

const KINDS = [
  {
    kind: 'getppid',
    count: 1_000_000,
    target: 1.3,
    of: ['secfilt notify', 'secfilt trace', 'secfilt kernel'],
  },
  {
    kind: 'open-read',
    count: 100_000,
    target: 1.2,
    of: ['secfilt notify', 'secfilt trace', 'secfilt kernel'],
  },
  { kind: 'stat', count: 100_000 },
  { kind: 'open-write', count: 20_000 },
  { kind: 'create-unlink', count: 10_000 },
  { kind: 'mkdir-rmdir', count: 10_000 },
  { kind: 'rename', count: 10_000 },
  { kind: 'chmod', count: 10_000 },
  { kind: 'spawn', count: 600, target: 1.1, of: ['secfilt notify', 'secfilt kernel'] },
];

/** The folder is in memory: what a disk and its journal do meanwhile would drown what is measured. */
export async function micro({ contenders, memoryFolder: folder, programs, rounds, quick }) {
  const rows = [];
  const targets = [];
  for (const { kind, count, target, of = [] } of KINDS) {
    const result = await interleave(contenders, rounds, async (contender) => {
      const words = [join(programs, 'calls'), kind, String(quick ? count / 4 : count), folder];
      return Number((await runWell(contender.wrap(words, folder))).stdout);
    });
    const row = { name: kind, unit: 'ns', ...result };
    rows.push(row);
    for (const name of of)
      targets.push({ text: `${kind}, ${name} : native`, row, name, base: 'native', limit: target });
    if (kind === 'open-write') targets.push(...referralTargets(row));
  }
  return [table('micro', 'Time of one call', rows, targets)];
}

function referralTargets(row) {
  const text = 'referred, allowed write-open';
  return [
    {
      text: `${text}, secfilt notify : C notify loop`,
      row,
      name: 'secfilt notify',
      base: 'C notify loop',
      limit: 1.5,
    },
    {
      text: `${text}, secfilt notify : C ptrace loop`,
      row,
      name: 'secfilt notify',
      base: 'C ptrace loop',
      limit: 0.25,
    },
    {
      text: `${text}, secfilt trace : C ptrace loop`,
      row,
      name: 'secfilt trace',
      base: 'C ptrace loop',
      limit: 1.3,
    },
  ];
}
