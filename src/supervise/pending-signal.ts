/** Whether a signal waits for a thread that cannot see it while it waits for the supervisor (signal(7), proc(5)). */
import { readProcText } from '../linux/files.ts';

const LINES = /^(?:Threads|SigPnd|ShdPnd|SigBlk):\t(\w+)$/gm;

/**
 * 'own': one that this thread will take. 'shared': one that any thread of its process may take. Blocked signals do not
 * count; ignored ones are never pending.
 */
export function pendingSignal(tid: number): 'own' | 'shared' | undefined {
  const text = readProcText(`/proc/${tid}/status`);
  if (typeof text === 'number') return undefined;
  const [threads, own, shared, blocked] = Array.from(text.matchAll(LINES), ([, value]) => value);
  if (threads === undefined || own === undefined || shared === undefined || blocked === undefined)
    return undefined;
  const open = ~mask(blocked);
  if ((mask(own) & open) !== 0n) return 'own';
  if ((mask(shared) & open) === 0n) return undefined;
  return threads === '1' ? 'own' : 'shared';
}

function mask(hexadecimal: string): bigint {
  return BigInt(`0x${hexadecimal}`);
}
