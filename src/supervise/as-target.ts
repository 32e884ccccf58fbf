/**
 * Performing for a thread whose rights are not our own: with its credentials (linux/impersonation.ts), so that the kernel answers as
 * it would have answered the thread, and nothing is done or found out with rights that it has not.
 */
import { readlinkText } from '../linux/libc.ts';
import { canLook, impersonate } from '../linux/impersonation.ts';
import type { Context } from './context.ts';
import type { Referral, Reply } from './referral.ts';
import { threadCredentials } from './target/credentials.ts';
import { targetStatus } from './target/target.ts';

const ONE = Buffer.alloc(1);

/**
 * Handles a call as the thread that makes it. Undefined where its credentials cannot be had or taken on, or it can then not be
 * looked at. While a thread waits in a call nobody changes its credentials; that it still waits in this one is asked afterwards,
 * and by whoever performs anything (`isTrusted`).
 */
export function asTarget<Own extends Context>(
  referral: Referral,
  context: Own,
  handle: (referral: Referral, context: Own) => Reply,
): Reply | undefined {
  const { tid } = referral;
  const status = targetStatus(tid);
  const credentials = typeof status === 'number' ? undefined : threadCredentials(status.credentials);
  if (typeof status === 'number' || credentials === undefined || !referral.isCurrent()) return undefined;
  const own = {
    ...context,
    credentials: context.credentials.takenOnFrom(status),
    userId: credentials.users[3],
  };
  return impersonate(credentials, () => (canLook() || canLookNow(tid) ? handle(referral, own) : undefined));
}

/** Where no right is kept for that: who executed a program as the user that it is may be looked at by that user (ptrace(2)). */
function canLookNow(tid: number): boolean {
  return readlinkText(`/proc/${tid}/cwd`, ONE, ONE.length) > 0;
}
