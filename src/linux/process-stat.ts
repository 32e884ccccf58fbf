/** What /proc/PID/stat says of a process or a thread (proc_pid_stat(5)). */
import { readProcText } from './files.ts';

export interface ProcessStat {
  /** One letter: R, S, D, Z, T, t, X and others. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Device number of its terminal, 0 where it has none. */
  readonly terminal: bigint;
  /** The process group in the foreground of that terminal; -1 where there is none. */
  readonly foreground: number;
  /** PF_* of include/linux/sched.h. */
  readonly flags: number;
  /** How many threads it has, one that has ended and is not reaped among them. */
  readonly threads: number;
  /** Clock ticks since the boot. A number and this together mean one process for ever. */
  readonly start: number;
}

/** Where the fields begin that were counted from 1: behind the number and the name, the state comes first. */
const FIRST = 3;
const LAST = 22;

/** Of a process, or a thread by its id; undefined where it cannot be read. */
export function processStat(pid: number | 'self'): ProcessStat | undefined {
  const text = readProcText(`/proc/${pid}/stat`);
  if (typeof text === 'number') return undefined;
  // The name before the parenthesis may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ', LAST - FIRST + 1);
  const field = (number: number): number => Number(fields[number - FIRST]);
  const [state = '', terminal] = [fields[0], fields[7 - FIRST]];
  const [parent, group, session, foreground, flags] = [field(4), field(5), field(6), field(8), field(9)];
  const [threads, start] = [field(20), field(LAST)];
  const sum = parent + group + session + foreground + flags + threads + start;
  if (terminal === undefined || !Number.isInteger(sum)) return undefined;
  return { state, parent, group, session, terminal: BigInt(terminal), foreground, flags, threads, start };
}

/** Of the flags of a thread, in include/linux/sched.h: it is on its way out. */
const PF_EXITING = 0x4;

/** Whether all of a process has ended or is ending: nothing that it does or has counts any more. */
export function isEnding({ state, threads, flags }: ProcessStat): boolean {
  return threads <= 1 && (state === 'Z' || (flags & PF_EXITING) !== 0);
}
