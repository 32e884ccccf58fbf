/** Tells of a process that was ended since a call that is made in its name went wrong. */
import { Errno } from '../../linux/errno.ts';
import { syscallName } from '../../linux/syscalls.ts';
import { processOf } from '../processes/processes.ts';
import type { EngineRun } from './engine-run.ts';

/** @param number the call that the thread itself has made */
export function reportKilled(
  { reporter, notice }: EngineRun,
  tid: number,
  number: number,
  why: string,
): void {
  const pid = processOf(tid);
  notice(`process ${pid < 0 ? tid : pid} was killed: ${why}`);
  reporter.report({
    time: Date.now(),
    tid,
    call: syscallName(number) ?? `call ${number}`,
    operation: 'other',
    object: { kind: 'process', pid: pid < 0 ? tid : pid },
    verdict: 'refused',
    errno: Errno.EPERM,
    layer: 'supervisor',
    rule: why,
  });
}
