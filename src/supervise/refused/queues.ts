/** Errors of message queues (mq_open(2)) that are there or not: asked of the kernel, by opening them for reading for a moment. */
import { Errno } from '../../linux/errno.ts';
import { O_CLOEXEC, O_CREAT, O_EXCL, O_NONBLOCK, PATH_MAX } from '../../linux/files.ts';
import { close, syscallMemory1 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import { arena, readPath } from '../target/target.ts';

const SLASH = 0x2f;

const name = arena(PATH_MAX);

export function openQueueError(referral: Referral): number | undefined {
  const flags = referral.int(1);
  const found = look(referral);
  if (typeof found === 'object') return found.errno;
  const isExclusive = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
  if (found >= 0) return isExclusive ? Errno.EEXIST : undefined;
  return found === -Errno.ENOENT && (flags & O_CREAT) !== 0 ? undefined : -found;
}

export function removeQueueError(referral: Referral): number | undefined {
  const found = look(referral);
  if (typeof found === 'object') return found.errno;
  // Who may not read it may remove it, if it is his.
  return found >= 0 || found === -Errno.EACCES ? undefined : -found;
}

/** What the kernel says of a queue, or what is wrong with the name whatever is there. */
function look(referral: Referral): number | { readonly errno: number } {
  const length = readPath(referral.tid, referral.pointer(0), name);
  if (length <= 0) return { errno: length < 0 ? -length : Errno.ENOENT };
  const bytes = name.bytes.subarray(0, length + 1);
  if (bytes.includes(SLASH)) return { errno: Errno.EACCES };
  const queue = syscallMemory1(X86_64.mq_open, bytes, O_NONBLOCK | O_CLOEXEC, 0, 0);
  if (queue >= 0) close(queue);
  return queue;
}
