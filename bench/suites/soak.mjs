// Four processes make referred calls as fast as they can: memory and descriptors of the supervisor must not grow.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { environment } from '../run.mjs';
import { quantile } from '../statistics.mjs';
import { table } from '../results.mjs';
import { residentBytes } from './memory.mjs';

const SCRIPT =
  'for i in 1 2 3 4; do while :; do "$1" "$3" 20000 "$2" >/dev/null || exit 1; done & done; wait';

export async function soak({ contenders, folder, programs, quick }) {
  const rows = [];
  const targets = [];
  for (const contender of contenders.filter(({ name }) =>
    ['secfilt notify', 'secfilt trace'].includes(name),
  )) {
    for (const kind of ['open-write', 'create-unlink', 'chmod']) {
      const { memory, descriptors } = await hammer(contender, kind, folder, programs, quick ? 6 : 20);
      const values = new Map([
        ['begin', [quantile(memory.begin, 0.5)]],
        ['end', [quantile(memory.end, 0.5)]],
        ['descriptors at the beginning', [Math.max(...descriptors.begin)]],
        ['descriptors at the end', [Math.max(...descriptors.end)]],
      ]);
      const row = {
        name: `${contender.name}, ${kind}`,
        unit: 'mixed',
        base: 'begin',
        values,
        failed: new Map(),
      };
      rows.push(row);
      targets.push(
        {
          text: `memory at the end of soak ${row.name} : begin`,
          row,
          name: 'end',
          base: 'begin',
          limit: 1.1,
        },
        {
          text: `descriptors at the end of soak ${row.name} : begin`,
          row,
          name: 'descriptors at the end',
          base: 'descriptors at the beginning',
          limit: 1,
        },
      );
    }
  }
  return [table('soak', 'Four processes hammering', rows, targets)];
}

/** Samples of the second quarter of the time, when all is warm, and of the last. */
async function hammer(contender, kind, folder, programs, seconds) {
  const words = contender.wrap(['sh', '-c', SCRIPT, 'sh', `${programs}/calls`, folder, kind], folder);
  const child = spawn(words[0], words.slice(1), { env: environment(), stdio: 'ignore' });
  const memory = { begin: [], end: [] };
  const descriptors = { begin: [], end: [] };
  const steps = seconds * 5;
  try {
    for (let step = 0; step < steps; step += 1) {
      await pause(200);
      if (child.exitCode !== null) throw new Error(`${contender.name} ended during the soak`);
      const phase =
        step < steps / 4
          ? undefined
          : step < steps / 2
            ? 'begin'
            : step >= (steps * 3) / 4
              ? 'end'
              : undefined;
      if (phase === undefined) continue;
      memory[phase].push(residentBytes(child.pid));
      descriptors[phase].push(descriptorCount(child.pid));
    }
  } finally {
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    await pause(100);
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.on('close', resolve));
  }
  return { memory, descriptors };
}

/** Only root may look into a process that protects itself; others get no number, and no target is met by it. */
function descriptorCount(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
}
