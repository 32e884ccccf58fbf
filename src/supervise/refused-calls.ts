/**
 * Calls that are refused for what they are: nobody judges them and nothing is done. The filter leaves them to us where there is a
 * supervisor, so that the refusal is told, and so that an error which the kernel would have come to before that is still its own.
 */
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, PATH_MAX, S_IFDIR, S_IFMT, fileMode } from '../linux/files.ts';
import { fcntlCommands } from '../linux/fcntl.ts';
import { close } from '../linux/libc.ts';
import { syscallName, X86_64 } from '../linux/syscalls.ts';
import { asTarget } from './as-target.ts';
import type { Context } from './context.ts';
import { fail, type Referral, type Reply } from './referral.ts';
import { ioctlError, namespaceError, pidfdError, socketError } from './target/descriptor-errors.ts';
import { resolveObject } from './target/resolve.ts';
import { arena, openError, readMemory, readPath } from './target/target.ts';

const RULE = 'refused whatever the options say';

/** MNT_FORCE, MNT_DETACH, MNT_EXPIRE and UMOUNT_NOFOLLOW (umount(2)). */
const UMOUNT_FLAGS = 0xf;
const UMOUNT_NOFOLLOW = 8;

const path = arena(PATH_MAX);
const argument = arena(1);

/** Answers EPERM and says so, or gives the error that the call has without us. */
export function refusedCall(referral: Referral, context: Context): Reply {
  const { credentials } = context;
  // Who has other rights than ours is not told what we find.
  const errno = credentials.haveOurRights(referral.tid)
    ? naturalError(referral, context)
    : asTargetError(referral, context);
  if (errno !== undefined) return fail(errno);
  context.reporter.report({
    time: Date.now(),
    tid: referral.tid,
    call: syscallName(referral.number) ?? `call ${referral.number}`,
    operation: 'other',
    object: { kind: 'none' },
    verdict: 'refused',
    errno: Errno.EPERM,
    layer: 'filter',
    rule: RULE,
  });
  return fail(Errno.EPERM);
}

function asTargetError(referral: Referral, context: Context): number | undefined {
  const reply = asTarget(referral, context, (own, as) => fail(naturalError(own, as) ?? Errno.EPERM));
  return reply?.kind === 'errno' && reply.errno !== Errno.EPERM ? reply.errno : undefined;
}

/** What the kernel looks at before it asks for permission, where that is one argument; undefined: nothing is wrong with it. */
function naturalError(referral: Referral, { members }: Context): number | undefined {
  const { tid } = referral;
  const descriptor = referral.int(0);
  switch (referral.number) {
    case X86_64.setns:
      return namespaceError(tid, descriptor);
    case X86_64.process_madvise:
    case X86_64.process_mrelease:
    case X86_64.pidfd_getfd:
      return pidfdError(tid, descriptor);
    case X86_64.fanotify_mark:
      return negated(openError(tid, descriptor));
    case X86_64.fsconfig:
      return descriptor < 0 ? Errno.EINVAL : negated(openError(tid, descriptor));
    case X86_64.fcntl:
      return negated(openError(tid, descriptor)) ?? fcntlError(referral.uint(1));
    case X86_64.ioctl:
      return negated(openError(tid, descriptor)) ?? ioctlError(tid, descriptor, referral.uint(1));
    case X86_64.setsockopt:
    case X86_64.getsockopt:
      return socketError(tid, descriptor);
    case X86_64.chroot:
      return pathError(referral, members, { index: 0, directory: true });
    case X86_64.umount2: {
      const flags = referral.int(1);
      if ((flags & ~UMOUNT_FLAGS) !== 0) return Errno.EINVAL;
      return pathError(referral, members, { index: 0, follow: (flags & UMOUNT_NOFOLLOW) === 0 });
    }
    case X86_64.mount:
      return pathError(referral, members, { index: 1 });
    case X86_64.adjtimex:
      return memoryError(referral, 0);
    case X86_64.perf_event_open:
      return memoryError(referral, 0);
    case X86_64.clock_adjtime:
    case X86_64.clock_settime:
      return memoryError(referral, 1);
    default:
      return undefined;
  }
}

function fcntlError(command: number): number | undefined {
  return fcntlCommands('changes').includes(command) ? undefined : Errno.EINVAL;
}

function memoryError(referral: Referral, index: number): number | undefined {
  return negated(readMemory(referral.tid, referral.pointer(index), argument, 1));
}

function pathError(
  referral: Referral,
  members: Context['members'],
  {
    index,
    directory = false,
    follow = true,
  }: { readonly index: number; readonly directory?: boolean; readonly follow?: boolean },
): number | undefined {
  const length = readPath(referral.tid, referral.pointer(index), path);
  if (length < 0) return -length;
  const text = path.bytes.subarray(0, length);
  const found = resolveObject(referral.tid, members, AT_FDCWD, text, follow);
  if (found.kind === 'error') return found.errno;
  const isDirectory = (fileMode(found.descriptor) & S_IFMT) === S_IFDIR;
  close(found.descriptor);
  return directory && !isDirectory ? Errno.ENOTDIR : undefined;
}

function negated(result: number): number | undefined {
  return result < 0 && result !== -Errno.EPERM ? -result : undefined;
}
