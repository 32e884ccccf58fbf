/** What the kernel finds wrong with the arguments of a call that is refused, before it asks for permission. */
import { Errno } from '../../linux/errno.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { absentOptionError } from '../../plan/filter/socket-rules.ts';
import type { Context } from '../context.ts';
import type { Referral } from '../referral.ts';
import { ioctlError, namespaceError, pidfdError, socketError } from '../target/descriptor-errors.ts';
import { arena, openError, readMemory } from '../target/target.ts';
import { fcntlError } from './fcntl.ts';
import { fromHandleError, toHandleError } from './handles.ts';
import { addKeyError, controlKeyError, requestKeyError } from './keys.ts';
import { lookError } from './look-error.ts';
import { mountAttributesError, openTreeAttributesError, openTreeError, umountError } from './mounts.ts';
import { pathError } from './paths.ts';
import { compareError, memoryOfError, movePagesError, processError } from './processes.ts';
import { openQueueError, removeQueueError } from './queues.ts';
import { quotaError, quotaOfDescriptorError } from './quota.ts';

/** The errno, where it comes from the arguments; undefined: nothing is wrong with them, or nobody knows. */
export function naturalError(referral: Referral, context: Context): number | undefined {
  const { tid } = referral;
  const { members } = context;
  const descriptor = referral.int(0);
  switch (referral.number) {
    case X86_64.setns:
      return namespaceError(tid, descriptor);
    case X86_64.process_madvise:
    case X86_64.process_mrelease:
    case X86_64.pidfd_getfd:
      return pidfdError(tid, descriptor);
    case X86_64.fanotify_mark:
      return lookError(openError(tid, descriptor));
    case X86_64.fsconfig:
      return descriptor < 0 ? Errno.EINVAL : lookError(openError(tid, descriptor));
    case X86_64.fcntl:
      return lookError(openError(tid, descriptor)) ?? fcntlError(referral, context);
    case X86_64.ioctl:
      return lookError(openError(tid, descriptor)) ?? ioctlError(tid, descriptor, referral.uint(1));
    case X86_64.setsockopt:
    case X86_64.getsockopt:
      return socketError(tid, descriptor) ?? absentOptionError(referral.int(1), referral.int(2));
    case X86_64.chroot:
      return pathError(referral, members, { index: 0, directory: true });
    case X86_64.umount2:
      return umountError(referral, members);
    case X86_64.mount:
      return pathError(referral, members, { index: 1 });
    case X86_64.open_tree:
      return openTreeError(referral, members);
    case X86_64.open_tree_attr:
      return openTreeAttributesError(referral, members);
    case X86_64.mount_setattr:
      return mountAttributesError(referral.int(2), referral.long(4));
    case X86_64.name_to_handle_at:
      return toHandleError(referral, members);
    case X86_64.open_by_handle_at:
      return fromHandleError(referral);
    case X86_64.quotactl:
      return quotaError(referral, members);
    case X86_64.quotactl_fd:
      return quotaOfDescriptorError(referral);
    case X86_64.mq_open:
      return openQueueError(referral);
    case X86_64.mq_unlink:
      return removeQueueError(referral);
    case X86_64.add_key:
      return addKeyError(referral);
    case X86_64.request_key:
      return requestKeyError(referral);
    case X86_64.keyctl:
      return controlKeyError(referral);
    case X86_64.kcmp:
      return compareError(referral, members);
    case X86_64.process_vm_readv:
    case X86_64.process_vm_writev:
      return memoryOfError(referral);
    case X86_64.move_pages:
      return movePagesError(referral);
    case X86_64.migrate_pages:
      return processError(referral.int(0));
    case X86_64.adjtimex:
    case X86_64.perf_event_open:
      return memoryError(referral, 0);
    case X86_64.clock_adjtime:
    case X86_64.clock_settime:
      return memoryError(referral, 1);
    default:
      return undefined;
  }
}

const argument = arena(1);

function memoryError(referral: Referral, index: number): number | undefined {
  return lookError(readMemory(referral.tid, referral.pointer(index), argument, 1));
}
