/** Whether a signal waits for a thread that cannot see it while it waits for the supervisor (signal(7), proc(5)). */
import { readProcText } from '../../linux/files.ts';

const LINES = /^(?:Tgid|Threads|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt):\t(\w+)$/gm;

/** SIGCHLD, SIGCONT, SIGURG and SIGWINCH do nothing unless they are caught. */
const NOTHING_BY_DEFAULT = (1n << 16n) | (1n << 17n) | (1n << 22n) | (1n << 27n);

const SIGCONT = 18;

/**
 * 'own': one that this thread will take. 'first': one that any thread of the process may take, and this is the thread
 * that the kernel wakes first for it. 'shared': one that any thread may take. Blocked signals do not count, nor ignored
 * ones, which are pending only for a traced thread.
 */
export function pendingSignal(tid: number): 'own' | 'first' | 'shared' | undefined {
  const text = readProcText(`/proc/${tid}/status`);
  if (typeof text === 'number') return undefined;
  const [process, threads, own, shared, blocked, ignored, caught] = Array.from(
    text.matchAll(LINES),
    ([, value]) => value,
  );
  if (own === undefined || shared === undefined || blocked === undefined) return undefined;
  if (ignored === undefined || caught === undefined) return undefined;
  const open = ~(mask(blocked) | mask(ignored) | (NOTHING_BY_DEFAULT & ~mask(caught)));
  if ((mask(own) & open) !== 0n) return 'own';
  if ((mask(shared) & open) === 0n) return undefined;
  if (threads === '1') return 'own';
  return Number(process) === tid ? 'first' : 'shared';
}

/**
 * Whether a signal does nothing to a thread's process, now: it is ignored, or does nothing by default and is not caught. SIGCONT is
 * left out: where it ends a stop the calls that the stop has interrupted end as natively.
 */
export function isIgnored(tid: number, signal: number): boolean {
  if (signal === SIGCONT) return false;
  const text = readProcText(`/proc/${tid}/status`);
  if (typeof text === 'number') return false;
  const ignored = /^SigIgn:\t(\w+)$/m.exec(text)?.[1];
  const caught = /^SigCgt:\t(\w+)$/m.exec(text)?.[1];
  if (ignored === undefined || caught === undefined) return false;
  const bit = 1n << BigInt(signal - 1);
  return ((mask(ignored) | (NOTHING_BY_DEFAULT & ~mask(caught))) & bit) !== 0n;
}

function mask(hexadecimal: string): bigint {
  return BigInt(`0x${hexadecimal}`);
}
