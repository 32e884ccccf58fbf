/** How a waiting call ends when a signal has come (signal(7), "Interruption of system calls"). */
import { ERESTARTSYS, Errno } from '../linux/errno.ts';
import { fail, type Reply } from './referral.ts';

/** A call with a time limit (SO_SNDTIMEO) is never begun again. */
export function interruption(timeout: number, restart: boolean): Reply {
  return fail(restart && timeout === Infinity ? ERESTARTSYS : Errno.EINTR);
}
