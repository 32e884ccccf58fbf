/** Whether the session that we are in is ours alone (setsid(2)): then all groups in it are of those that we start. */
import { readdirSync } from 'node:fs';
import { processStat } from '../../linux/process-stat.ts';

/** True where this process leads its session and no other is in it. */
export function isAloneInSession(): boolean {
  if (processStat('self')?.session !== process.pid) return false;
  // Twice: who was born while we looked, of a parent that is gone, is seen the second time.
  return !hasOthers() && !hasOthers();
}

function hasOthers(): boolean {
  return readdirSync('/proc').some((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && pid !== process.pid && processStat(pid)?.session === process.pid;
  });
}
