/**
 * A descriptor more than a tracee may have (getrlimit(2), RLIMIT_NOFILE), for one call that it makes for its tracer. The limit is
 * its whole process's, so it is raised for a moment only where no other thread would see that, or would open something by it; and
 * only the soft one, which the process may raise itself.
 */
import { Errno } from '../../../linux/errno.ts';
import { readProcText } from '../../../linux/files.ts';
import { impersonate } from '../../../linux/impersonation.ts';
import { syscall } from '../../../linux/libc.ts';
import { exchangeLimit, limitOf } from '../../../linux/limits.ts';
import { RLIMIT_NOFILE, type OpenFilesLimit } from '../../../linux/open-files.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import { threadCredentials } from '../../target/credentials.ts';
import { targetStatus } from '../../target/target.ts';

const ONE_THREAD = /^Threads:\t1$/m;

export function mayHaveOneMore(tid: number): boolean {
  return raisable(tid) !== undefined;
}

/** The limit, where it may be raised. */
function raisable(tid: number): OpenFilesLimit | undefined {
  const limit = limitOf(tid, RLIMIT_NOFILE);
  const status = readProcText(`/proc/${tid}/status`);
  if (limit === undefined || limit.soft >= limit.hard) return undefined;
  if (typeof status === 'number' || !ONE_THREAD.test(status)) return undefined;
  // With no limit to set or to tell the kernel only says whether it may be.
  const maySet = asItsUser(
    tid,
    () => syscall(X86_64.prlimit64, tid, RLIMIT_NOFILE, 0, 0, 0, 0) === 0 || undefined,
  );
  return maySet === true ? limit : undefined;
}

/** The result of a call that is made with one number more; -EMFILE where that cannot be. */
export function withOneMore(tid: number, call: () => number): number {
  const limit = raisable(tid);
  if (limit === undefined) return -Errno.EMFILE;
  const exchange = (value: OpenFilesLimit): OpenFilesLimit | undefined =>
    asItsUser(tid, () => exchangeLimit(tid, RLIMIT_NOFILE, value));
  const raised = { soft: limit.hard, hard: limit.hard };
  if (exchange(raised) === undefined) return -Errno.EMFILE;
  try {
    return call();
  } finally {
    const before = exchange(limit);
    // Somebody outside has set another one meanwhile.
    if (before !== undefined && (before.soft !== raised.soft || before.hard !== raised.hard))
      exchange(before);
  }
}

/** What we may not do as ourselves, as the user whom the process belongs to. */
function asItsUser<Result>(tid: number, act: () => Result | undefined): Result | undefined {
  const result = act();
  if (result !== undefined) return result;
  const status = targetStatus(tid);
  const credentials = typeof status === 'number' ? undefined : threadCredentials(status.credentials);
  return credentials === undefined ? undefined : impersonate(credentials, act);
}
