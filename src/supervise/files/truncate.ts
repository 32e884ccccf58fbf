/** truncate(2): a write without an open. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NONBLOCK,
  O_WRONLY,
  PATH_MAX,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  W_OK,
} from '../../linux/files.ts';
import { close, openText, syscall, truncateText } from '../../linux/libc.ts';
import { fileSizeLimit } from '../../linux/limits.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { judgeTruncate } from '../../judge/files.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import { arena, readPath } from '../target/target.ts';
import { accessError } from './errors.ts';
import { attemptLeased } from './leased-file.ts';
import { foundObject, type OpenObject } from './object.ts';

const SIGXFSZ = 25;

const path = arena(PATH_MAX);

export const truncate: FileHandler = (referral, context) => {
  const size = BigInt.asIntN(64, referral.long(1));
  if (size < 0n) return fail(Errno.EINVAL);
  const length = readPath(referral.tid, referral.pointer(0), path);
  if (length < 0) return fail(-length);
  const object = resolveObject(referral.tid, context.members, AT_FDCWD, path.bytes.subarray(0, length), true);
  if (object.kind === 'error') return fail(object.errno);
  const reply = referral.isCurrent()
    ? truncateObject(referral, context, foundObject(object, context.members), size)
    : fail(Errno.ESRCH);
  close(object.descriptor);
  return reply;
};

function truncateObject(referral: Referral, context: FileContext, object: OpenObject, size: bigint): Reply {
  const verdict = judgeTruncate(context.files, object);
  const reported = { kind: 'path', path: object.path } as const;
  switch (verdict.kind) {
    case 'continue':
      return allowed(referral, context, 'write', reported, CONTINUE_CALL);
    case 'perform': {
      if (!isTrusted(referral, context)) return untrusted(referral, context, 'write', reported);
      return allowed(referral, context, 'write', reported, performTruncate(referral, context, object, size));
    }
    case 'refuse': {
      const errno = truncateError(object);
      return errno === undefined ? refused(referral, context, 'write', reported, verdict.rule) : fail(errno);
    }
  }
}

function performTruncate(
  referral: Referral,
  { pending }: FileContext,
  object: OpenObject,
  size: bigint,
): Reply {
  if ((object.mode & S_IFMT) !== S_IFREG) {
    return resultReply(truncateText(`/proc/self/fd/${object.descriptor}`, size));
  }
  const denied = truncateError(object);
  if (denied !== undefined) return fail(denied);
  if (size > object.size && size > fileSizeLimit(referral.tid)) {
    // The kernel sends the signal to whoever makes the call (getrlimit(2), RLIMIT_FSIZE).
    if (referral.isCurrent()) syscall(X86_64.tkill, referral.tid, SIGXFSZ, 0, 0, 0, 0);
    return fail(Errno.EFBIG);
  }
  return attemptLeased(referral, pending, object.descriptor, (descriptor) => truncateFile(descriptor, size));
}

/** While we have it open for writing nobody gets a lease on it, for whose end the kernel would wait. */
function truncateFile(object: number, size: bigint): Reply | 'stuck' {
  const name = `/proc/self/fd/${object}`;
  const held = openText(AT_FDCWD, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
  if (held === -Errno.EAGAIN) return 'stuck';
  if (held < 0) return fail(-held);
  const result = truncateText(name, size);
  close(held);
  return resultReply(result);
}

function truncateError(object: OpenObject): number | undefined {
  const type = object.mode & S_IFMT;
  if (type === S_IFDIR) return Errno.EISDIR;
  if (type !== S_IFREG) return Errno.EINVAL;
  return accessError(object.descriptor, W_OK);
}
