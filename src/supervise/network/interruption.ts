/** How a waiting call on a socket ends when a signal has come (signal(7), "Interruption of system calls"). */
import { Errno } from '../../linux/errno.ts';
import { fail, type Reply } from '../referral.ts';

/**
 * The kernel's own ERESTARTSYS, never seen by programs: with a signal pending the kernel makes it EINTR, or begins the
 * call again, as the handler asks for.
 */
const ERESTARTSYS = 512;

/** A call with a time limit (SO_SNDTIMEO) is never begun again. */
export function interruption(timeout: number, restart: boolean): Reply {
  return fail(restart && timeout === Infinity ? ERESTARTSYS : Errno.EINTR);
}
