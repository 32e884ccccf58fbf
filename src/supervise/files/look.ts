/**
 * execve(2), execveat(2), readlink(2) and readlinkat(2) of what may not be read, where the supervisor judges reading; with a program
 * what the kernel opens to run it. What may be goes on in the kernel, which looks at the path once more: a program whose other threads
 * change it meanwhile can still run such a file, if it is executable, and learn where such a link leads. Its contents no open gives them.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  PATH_MAX,
  S_IFLNK,
  S_IFREG,
  W_OK,
  accessDescriptor,
  fstat,
} from '../../linux/files.ts';
import { impersonated } from '../../linux/impersonation.ts';
import { close } from '../../linux/libc.ts';
import { judgeRead, mayMoveUnseen } from '../../judge/files.ts';
import { allowed, refused } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { CONTINUE_CALL, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import { objectOf, type ResolvedObject } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, readPath } from '../target/target.ts';
import { interpretersOf } from './interpreters.ts';
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
  const reported = { kind: 'path', path: object.path } as const;
  const closed =
    call.type === undefined
      ? closedForExecution(referral, context, object, MOST_INTERPRETERS)
      : closedItself(context, object, call.type);
  close(object.descriptor);
  if (closed === undefined) return allowed(referral, context, 'read', reported, CONTINUE_CALL, READ_RULE);
  return refused(referral, context, 'read', { kind: 'path', path: closed.path }, closed.rule, Errno.EACCES);
}

/** What may not be read of what a call would read. */
interface Closed {
  readonly path: Buffer;
  readonly rule: string;
}

/** @param type of what is read; undefined: of any */
function closedItself(
  { files, members }: FileContext,
  object: ResolvedObject,
  type?: number,
): Closed | undefined {
  const found = foundObject(object, members);
  const verdict = judgeRead(files, READS, found);
  const isRead = type === undefined || type === found.type;
  return verdict.kind === 'refuse' && isRead && !isAnonymousMemory(object)
    ? { path: object.path, rule: verdict.rule }
    : undefined;
}

/** An interpreter may be a script as well, so often (execve(2)), and each has a loader. */
const MOST_INTERPRETERS = 7;
const UNSEEN_RULE = 'what is executed, and cannot be looked into, may be a script of what may not be read';

/** @param depth how many interpreters are looked for, one behind the other */
function closedForExecution(
  referral: Referral,
  context: FileContext,
  object: ResolvedObject,
  depth: number,
): Closed | undefined {
  const closed = closedItself(context, object);
  if (closed !== undefined || depth === 0) return closed;
  if (foundObject(object, context.members).type !== S_IFREG) return undefined;
  const interpreters = interpretersOf(object.descriptor);
  if (interpreters === undefined)
    return isUnseenByChoice(context, object) ? { path: object.path, rule: UNSEEN_RULE } : undefined;
  for (const name of interpreters) {
    const interpreter = resolveObject(referral.tid, context.members, AT_FDCWD, name, true);
    if (interpreter.kind === 'error') continue;
    const closedBehind = closedForExecution(referral, context, interpreter, depth - 1);
    close(interpreter.descriptor);
    if (closedBehind !== undefined) return closedBehind;
  }
  return undefined;
}

/** The kernel reads a program for who may execute it and not read it. What is in such a file its owner knows, and who may write it. */
function isUnseenByChoice({ userId }: FileContext, { descriptor }: ResolvedObject): boolean {
  const status = fstat(descriptor);
  if (impersonated() !== undefined || typeof status === 'number' || status.owner === userId) return true;
  return accessDescriptor(descriptor, W_OK) === 0;
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
