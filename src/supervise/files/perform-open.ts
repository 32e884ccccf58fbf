/** Opens that the supervisor makes and hands over (SECCOMP_IOCTL_NOTIF_ADDFD, seccomp_unotify(2)). */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  F_SETFL,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_TMPFILE_BIT,
  O_WRONLY,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  fileMode,
  fstat,
  terminated,
} from '../../linux/files.ts';
import { impersonated } from '../../linux/impersonation.ts';
import { close, fcntl, openText, openat } from '../../linux/libc.ts';
import { isShared, unelevated } from '../../judge/files.ts';
import { trustedStatus, untrusted } from '../context.ts';
import type { FileContext } from './context.ts';
import type { PendingCalls } from '../pending.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import { underUmask } from '../target/umask.ts';
import { accessError, flagsError, neededAccess, openError } from './errors.ts';
import { isOfForeignProcess } from './foreign-process.ts';
import { handed } from './handed.ts';
import { attemptLeased } from './leased-file.ts';
import type { OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';
import { stickyError } from './sticky.ts';
import { openWaiting } from './waiting-open.ts';

const HERE = terminated(Buffer.from('.'));
/** Major number of /dev/null and its like, which never wait (mem(4)). */
const MEMORY_DEVICES = 1n;

/** Opens an object that exists: the very one that was judged. Closes it. */
export function openExisting(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  object: OpenObject,
): Reply {
  if ((request.flags & O_PATH) !== 0 && trustedStatus(referral, context) !== undefined)
    return handPlace(request, object);
  const reply = openChecked(referral, context, request, object);
  close(object.descriptor);
  return reply;
}

/** The place as it was found: O_PATH opens nothing. */
function handPlace(request: OpenRequest, { descriptor, mode }: OpenObject): Reply {
  const isOtherKind = (request.flags & O_DIRECTORY) !== 0 && (mode & S_IFMT) !== S_IFDIR;
  const errno = flagsError(request) ?? (isOtherKind ? Errno.ENOTDIR : undefined);
  if (errno === undefined)
    return { kind: 'descriptor', descriptor, closeOnExec: (request.flags & O_CLOEXEC) !== 0 };
  close(descriptor);
  return fail(errno);
}

/** For whom nothing is performed there is no openat2(2) either: callers know what to do then, and open(2) may go on. */
export function untrustedOpen(
  referral: Referral,
  context: FileContext,
  { fromMemory }: OpenRequest,
  path: Buffer,
): Reply {
  return fromMemory === true
    ? fail(Errno.ENOSYS)
    : untrusted(referral, context, 'write', { kind: 'path', path });
}

function openChecked(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  object: OpenObject,
): Reply {
  const errno =
    flagsError(request) ??
    openError(object, request.flags) ??
    stickyError(object, request.flags, context.userId);
  if (errno !== undefined) return fail(errno);
  const status = trustedStatus(referral, context);
  if (status === undefined) return untrustedOpen(referral, context, request, object.path);
  const reads = (request.flags & O_ACCMODE) !== O_WRONLY;
  if (reads && isOfForeignProcess(object, status, context.members)) return fail(Errno.EACCES);
  const flags = request.flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW);
  if ((request.flags & O_TMPFILE_BIT) !== 0) {
    const nameless = flags | (request.flags & O_EXCL) | O_CLOEXEC | O_NOCTTY;
    const made = underUmask(status.umask, () =>
      openat(object.descriptor, HERE, nameless, unelevated(context.files, object, request.mode)),
    );
    if (made >= 0 && isShared(context.files, object)) context.made.add(made);
    return handed(made, request.flags, false);
  }
  return openBehind(referral, context.pending, object.descriptor, flags);
}

/**
 * Opens anew what a descriptor of ours refers to, without waiting here for anything.
 * @param asked the flags of open(2) that the program gave; what it opens is closed here at an execve(2), and no terminal is ours
 */
export function openBehind(
  referral: Referral,
  pending: PendingCalls,
  descriptor: number,
  asked: number,
): Reply {
  const type = fileMode(descriptor) & S_IFMT;
  const flags = asked | O_CLOEXEC | O_NOCTTY;
  if ((flags & O_NONBLOCK) === 0) {
    if (type === S_IFREG)
      return attemptLeased(referral, pending, descriptor, (file) => openFile(file, flags, asked));
    if (mayBlock(descriptor, type, flags)) {
      // The thread that waits has our rights, so those of the caller are asked first.
      const errno = impersonated() === undefined ? undefined : accessError(descriptor, neededAccess(flags));
      if (errno !== undefined) return fail(errno);
      return openWaiting(referral, pending, descriptor, flags, (result) => handed(result, asked));
    }
  }
  return handed(openText(AT_FDCWD, `/proc/self/fd/${descriptor}`, flags, 0), asked);
}

/** A FIFO waits for its other end, and so may a device for a carrier or for its present user. */
function mayBlock(descriptor: number, type: number, flags: number): boolean {
  if (type === S_IFIFO) return (flags & O_ACCMODE) !== O_RDWR;
  if (type !== S_IFCHR) return false;
  const status = fstat(descriptor);
  return typeof status === 'number' || status.rawDevice >> 8n !== MEMORY_DEVICES;
}

/** Of a regular file; EAGAIN says that somebody holds a lease on it. */
function openFile(descriptor: number, flags: number, asked: number): Reply | 'stuck' {
  const result = openText(AT_FDCWD, `/proc/self/fd/${descriptor}`, flags | O_NONBLOCK, 0);
  if (result === -Errno.EAGAIN) return 'stuck';
  if (result >= 0) fcntl(result, F_SETFL, flags);
  return handed(result, asked, false);
}

/** Makes a file that did not exist. 'again': meanwhile it does. Closes the entry's directory. */
export function makeFile(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  entry: ResolvedEntry,
): Reply | 'again' {
  const status = trustedStatus(referral, context);
  if (status === undefined) {
    close(entry.directory);
    return untrustedOpen(referral, context, request, entry.path);
  }
  const invalid = flagsError(request);
  if (invalid !== undefined) {
    close(entry.directory);
    return fail(invalid);
  }
  // O_EXCL follows no link; O_NOFOLLOW besides would be seen by fcntl(F_GETFL).
  const flags = request.flags | O_EXCL | O_CLOEXEC | O_NOCTTY;
  const result = underUmask(status.umask, () =>
    openat(entry.directory, entry.name, flags, unelevated(context.files, entry, request.mode)),
  );
  close(entry.directory);
  if (result >= 0 && isShared(context.files, entry)) context.made.add(result);
  if (result === -Errno.EEXIST && (request.flags & O_EXCL) === 0) return 'again';
  return handed(result, request.flags, false);
}
