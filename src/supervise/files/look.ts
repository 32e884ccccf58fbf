/**
 * execve(2), execveat(2), readlink(2) and readlinkat(2) of what may not be read, where the supervisor judges reading. What may be
 * goes on in the kernel, which looks at the path once more: a program whose other threads change it meanwhile can still run such a
 * file, if it is executable, and learn where such a link leads. Its contents no open gives them.
 */
import { Errno } from '../../linux/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, PATH_MAX, S_IFLNK } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { judgeRead, mayMoveUnseen } from '../../judge/files.ts';
import { allowed, refused } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { CONTINUE_CALL, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import { objectOf } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, readPath } from '../target/target.ts';
import { isAnonymousMemory } from './memory-file.ts';
import { READ_RULE } from './read-open.ts';
import { foundObject } from './object.ts';

const path = arena(PATH_MAX);
const READS = { reads: true, writes: false, makesNameless: false, truncatesUnwritten: false };

export const execve: FileHandler = (referral, context) =>
  look(referral, context, { directory: AT_FDCWD, path: referral.pointer(0), flags: 0 });

export const execveAt: FileHandler = (referral, context) =>
  look(referral, context, {
    directory: referral.int(0),
    path: referral.pointer(1),
    flags: referral.int(4),
  });

export const readlink: FileHandler = (referral, context) =>
  look(referral, context, {
    directory: AT_FDCWD,
    path: referral.pointer(0),
    flags: AT_SYMLINK_NOFOLLOW,
    type: S_IFLNK,
  });

/** An empty path means what the descriptor refers to (readlink(2)). */
export const readlinkAt: FileHandler = (referral, context) =>
  look(referral, context, {
    directory: referral.int(0),
    path: referral.pointer(1),
    flags: AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
    type: S_IFLNK,
  });

interface Look {
  readonly directory: number;
  /** Where it lies in the target's memory. */
  readonly path: number;
  /** AT_ flags. */
  readonly flags: number;
  /** What is of another type has nothing to be read: realpath(3) asks each directory on its way, which is none. */
  readonly type?: number;
}

/** Whatever fails here the kernel has an error of its own for. */
function look(referral: Referral, context: FileContext, call: Look): Reply {
  if (mayMoveUnseen(context.files)) return CONTINUE_CALL;
  const length = readPath(referral.tid, call.path, path);
  if (length < 0 || !referral.isCurrent()) return CONTINUE_CALL;
  const object = find(referral, context, call, length);
  if (object.kind === 'error') return CONTINUE_CALL;
  const found = foundObject(object, context.members);
  const verdict = judgeRead(context.files, READS, found);
  const isRead = call.type === undefined || call.type === found.type;
  const isClosed = verdict.kind === 'refuse' && isRead && !isAnonymousMemory(object);
  close(object.descriptor);
  const reported = { kind: 'path', path: object.path } as const;
  if (!isClosed) return allowed(referral, context, 'read', reported, CONTINUE_CALL, READ_RULE);
  return refused(referral, context, 'read', reported, verdict.rule, Errno.EACCES);
}

function find(
  { tid }: Referral,
  { members }: FileContext,
  { directory, flags }: Look,
  length: number,
): ReturnType<typeof resolveObject> {
  if (length > 0 || (flags & AT_EMPTY_PATH) === 0 || directory === AT_FDCWD) {
    const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
    return resolveObject(tid, members, directory, path.bytes.subarray(0, length), follow);
  }
  const own = openTargetDescriptor(tid, directory);
  return own < 0 ? { kind: 'error', errno: -own } : objectOf(own);
}
