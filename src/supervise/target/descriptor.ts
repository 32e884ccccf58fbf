/** Copies of a target's descriptors (pidfd_getfd(2)): one and the same open file, whatever becomes of its table. */
import { Errno } from '../../linux/errno.ts';
import { O_EXCL, fstat, openPathText } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { close, syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { targetStatus } from './target.ts';

/** pidfd_open(2), Linux 6.9: the descriptor is one of a thread, and so is the table behind it. */
const PIDFD_THREAD = O_EXCL;
const MOST_PIDFDS = 64;

/**
 * Threads that were asked lately, by their ids. An id that was given to another thread meanwhile does no harm: the
 * descriptor still means the old one, and says ESRCH.
 */
const threads = new Map<number, number>();
let hasThreadDescriptors = true;

/**
 * A copy (close-on-exec) of a thread's descriptor, or a negated error number: EBADF where it has none of that number,
 * EPERM where we may not look. The caller asks `isCurrent` before it acts on it.
 */
export function copyDescriptor(tid: number, descriptor: number): number {
  const copy = copyOfThread(tid, descriptor);
  return copy === -Errno.EINVAL ? copyOfProcess(tid, descriptor) : copy;
}

/** The same, but EINVAL before Linux 6.9, where it would take several calls (pidfd_open(2), PIDFD_THREAD). */
export function copyOfThread(tid: number, descriptor: number): number {
  if (descriptor < 0) return -Errno.EBADF;
  if (!hasThreadDescriptors) return -Errno.EINVAL;
  const known = threads.get(tid);
  if (known !== undefined) {
    const copy = copyThrough(known, descriptor);
    if (copy !== -Errno.ESRCH) return copy;
    threads.delete(tid);
    close(known);
  }
  const opened = openThread(tid);
  if (opened === -Errno.EINVAL) hasThreadDescriptors = false;
  return opened < 0 ? opened : copyThrough(opened, descriptor);
}

function openThread(tid: number): number {
  const opened = syscall(X86_64.pidfd_open, tid, PIDFD_THREAD, 0, 0, 0, 0);
  if (opened < 0) return opened;
  for (const [oldest, pidfd] of threads) {
    if (threads.size < MOST_PIDFDS) break;
    threads.delete(oldest);
    close(pidfd);
  }
  threads.set(tid, opened);
  return opened;
}

function copyThrough(pidfd: number, descriptor: number): number {
  const copy = syscall(X86_64.pidfd_getfd, pidfd, descriptor, 0, 0, 0, 0);
  return copy === -Errno.EPERM ? copyLooking(pidfd, descriptor) : copy;
}

/** From a thread of another user's. */
function copyLooking(pidfd: number, descriptor: number): number {
  return looking(() => syscall(X86_64.pidfd_getfd, pidfd, descriptor, 0, 0, 0, 0));
}

/** Before Linux 6.9: the table of the process, so look whether the thread has the same there. */
function copyOfProcess(tid: number, descriptor: number): number {
  const status = targetStatus(tid);
  if (typeof status === 'number') return status;
  const pidfd = syscall(X86_64.pidfd_open, status.tgid, 0, 0, 0, 0, 0);
  if (pidfd < 0) return pidfd;
  const copy = copyThrough(pidfd, descriptor);
  close(pidfd);
  if (tid === status.tgid || isSameFile(copy, `/proc/${tid}/fd/${descriptor}`)) return copy;
  if (copy >= 0) close(copy);
  return -Errno.EPERM;
}

/** Whether both are the same file; a copy that failed is what a thread has that lacks the descriptor as well. */
function isSameFile(copy: number, path: string): boolean {
  const other = looking(() => openPathText(path));
  if (other < 0) return copy < 0;
  if (copy < 0) {
    close(other);
    return false;
  }
  const [one, two] = [fstat(copy), fstat(other)];
  close(other);
  if (typeof one === 'number' || typeof two === 'number') return false;
  return one.inode === two.inode && one.device === two.device;
}

/** Whether this system lets us copy descriptors at all; asked of ourselves. */
export function canCopyDescriptors(): boolean {
  const pidfd = syscall(X86_64.pidfd_open, process.pid, 0, 0, 0, 0, 0);
  // Too many open files is another trouble, which the start has soon.
  if (pidfd < 0) return pidfd === -Errno.EMFILE;
  const copy = copyThrough(pidfd, 0);
  close(pidfd);
  if (copy >= 0) close(copy);
  return copy >= 0 || copy === -Errno.EBADF || copy === -Errno.EMFILE;
}
