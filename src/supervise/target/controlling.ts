/** Which opens of a terminal make it the controlling one (open(2), O_NOCTTY; credentials(7), "Sessions"). */
import { fstat } from '../../linux/files.ts';
import { processStat } from '../../linux/process-stat.ts';
import { terminalNumber } from '../../linux/terminal.ts';
import { targetStatus } from './target.ts';

/**
 * Whether a thread leads a session that has no terminal, and a descriptor is one by its own name: a master, /dev/tty, the console,
 * which mean another one, never become it.
 */
export function mayControl(tid: number, descriptor: number): boolean {
  const number = terminalNumber(descriptor);
  const status = number === undefined ? undefined : fstat(descriptor);
  if (status === undefined || typeof status === 'number' || status.rawDevice !== number) return false;
  const caller = processStat(tid);
  return caller !== undefined && caller.terminal === 0n && leads(tid, caller.session);
}

/** The session has the number of the process that began it. */
function leads(tid: number, session: number): boolean {
  const status = targetStatus(tid);
  return typeof status !== 'number' && status.tgid === session;
}
