/**
 * Errors of quotactl(2) that come before the right to change a quota is asked for: the kernel is asked the same of the same file
 * system with the command that needs no right (Q_GETFMT).
 */
import { Errno } from '../../linux/errno.ts';
import { close, syscall, syscallMemory2 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import type { Members } from '../target/members.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { openPathArgument } from './paths.ts';

const MOST_TYPES = 3;
const TYPE_MASK = 0xff;
const Q_GETFMT = 0x80_0004;
const Q_SYNC = 0x80_0001;
/** What it says where it has come to the quota itself, or to the right. */
const PERMITTED: readonly number[] = [0, -Errno.ESRCH, -Errno.EPERM, -Errno.EFAULT];

export function quotaError(referral: Referral, members: Members): number | undefined {
  const command = referral.uint(0);
  const type = command & TYPE_MASK;
  if (type >= MOST_TYPES) return Errno.EINVAL;
  if (referral.pointer(1) === 0) return command >>> 8 === Q_SYNC ? undefined : Errno.ENODEV;
  const found = openPathArgument(referral, members, { index: 1 });
  if (found.kind === 'error') return found.errno;
  const device = Buffer.from(`/proc/self/fd/${found.descriptor}\0`);
  const result = syscallMemory2(X86_64.quotactl, asking(type), device, 0, 0, 0);
  close(found.descriptor);
  return errorOf(result);
}

export function quotaOfDescriptorError(referral: Referral): number | undefined {
  const type = referral.uint(1) & TYPE_MASK;
  const own = openTargetDescriptor(referral.tid, referral.int(0));
  if (own < 0) return own === -Errno.EBADF ? Errno.EBADF : undefined;
  const result = syscall(X86_64.quotactl_fd, own, asking(type), 0, 0, 0, 0);
  close(own);
  return type >= MOST_TYPES ? Errno.EINVAL : errorOf(result);
}

function asking(type: number): number {
  return Q_GETFMT * (TYPE_MASK + 1) + type;
}

function errorOf(result: number): number | undefined {
  return PERMITTED.includes(result) ? undefined : -result;
}
