// What the supervisor holds while the command sleeps.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { environment, interleave } from '../run.mjs';
import { table } from '../results.mjs';

const IDLE_NODE = { name: 'idle node', wrap: () => [process.execPath, '-e', 'setInterval(() => {}, 1e6)'] };

export async function memory({ contenders, folder, rounds }) {
  const supervisors = contenders.filter(({ name }) => ['secfilt notify', 'secfilt trace'].includes(name));
  const result = await interleave([IDLE_NODE, ...supervisors], rounds, async (contestant) => {
    const words = contestant.wrap(['sleep', '60'], folder);
    const child = spawn(words[0], words.slice(1), { env: environment(), stdio: 'ignore' });
    await pause(700);
    const bytes = residentBytes(child.pid);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('close', resolve));
    return bytes;
  });
  const row = { name: 'resident memory', unit: 'bytes', base: 'idle node', ...result };
  const targets = supervisors.map(({ name }) => ({
    text: `resident memory, ${name} : idle node`,
    row,
    name,
    base: 'idle node',
    limit: 1.3,
  }));
  return [table('memory', 'Memory of the supervisor', [row], targets)];
}

/** VmRSS of a process (proc(5)). */
export function residentBytes(pid) {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}
