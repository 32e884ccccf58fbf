/**
 * Under notify: gives a thread a terminal that it opens as its controlling one, as the kernel's own open would. Only the thread itself
 * can ask for that (TIOCSCTTY, ioctl_tty(2)), and it waits in a call. So the supervisor is its tracer for one more call: it asks
 * the thread to stop, which it does on its way back from the open, before it executes anything. What could be wrong with
 * a call in a thread's name is held as under the trace engine (trace/injector.ts).
 */
import { Errno } from '../../linux/errno.ts';
import { looking } from '../../linux/impersonation.ts';
import { TIOCSCTTY } from '../../linux/ioctl.ts';
import { detach, FOLLOW_NONE, requestStop, seize } from '../../linux/ptrace.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import { GONE, type Injector } from './trace/injector.ts';

/**
 * Answers a thread, and makes the terminal its own. Where it cannot be traced, as one that a debugger traces, it only has its answer.
 * @param descriptor the terminal's, in the thread, which the open returns
 * @param answer true: the thread was there to take it
 */
export function answerControlling(
  injector: Injector,
  { tid, number }: Pick<Referral, 'tid' | 'number'>,
  descriptor: number,
  answer: () => boolean,
): boolean {
  if (!holdBack(tid)) return answer();
  const answered = answer();
  const begun = injector.beginReturning(tid, number);
  // Who is gone is waited for with our children.
  if (begun === GONE) return answered;
  if (begun < 0) detach(tid);
  else if (injector.call(X86_64.ioctl, descriptor, TIOCSCTTY, 0) !== GONE) injector.leave(descriptor);
  return answered;
}

/** Until then it waits for its answer, which no stop ends (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV). */
function holdBack(tid: number): boolean {
  const result = seize(tid, FOLLOW_NONE);
  const seized = result === -Errno.EPERM ? looking(() => seize(tid, FOLLOW_NONE)) : result;
  return seized === 0 && requestStop(tid) === 0;
}
