/**
 * access(2), faccessat(2) and faccessat2(2) that ask whether a file may be written: answered as a file system would that is
 * mounted read-only where the policy allows no change. Who asks first can so choose another place. Nothing is refused by that, so
 * nothing is reported; and where the answer is the kernel's, the kernel gives it.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  PATH_MAX,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  accessDescriptor,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { judgeOpen } from '../../judge/files.ts';
import { isTrusted } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import type { Members } from '../target/members.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import { objectOf } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, readPath } from '../target/target.ts';
import { isHeld } from './held.ts';
import { isAnonymousMemory } from './memory-file.ts';
import { foundObject, type OpenObject } from './object.ts';
import { MASTER } from './pseudo-terminals.ts';
import { CONTROLLING_TERMINAL } from '../../linux/terminal.ts';

const path = arena(PATH_MAX);
/** What a mount that is read-only counts for; devices, FIFOs and sockets are written to all the same. */
const OF_THE_MOUNT = new Set([S_IFREG, S_IFDIR, S_IFLNK]);
const WRITES = { writes: true, makesNameless: false, truncatesUnwritten: false };

export const access: FileHandler = (referral, context) =>
  answer(referral, context, AT_FDCWD, referral.pointer(0), referral.uint(1), 0);
export const faccessAt: FileHandler = (referral, context) =>
  answer(referral, context, referral.int(0), referral.pointer(1), referral.uint(2), 0);
export const faccessAt2: FileHandler = (referral, context) =>
  answer(referral, context, referral.int(0), referral.pointer(1), referral.uint(2), referral.int(3));

function answer(
  referral: Referral,
  context: FileContext,
  directory: number,
  address: number,
  mode: number,
  flags: number,
): Reply {
  // Wrong flags and modes, and who is to be told what the supervisor may not know, are the kernel's.
  if ((flags & ~(AT_EACCESS | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0 || mode > 7) return CONTINUE_CALL;
  const length = readPath(referral.tid, address, path);
  if (length < 0) return CONTINUE_CALL;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  if (context.quick?.isBelow(referral.tid, directory, path, length, follow)) return CONTINUE_CALL;
  if (!isTrusted(referral, context)) return CONTINUE_CALL;
  const object = find(referral.tid, context.members, directory, length, flags);
  if (object.kind === 'error') return CONTINUE_CALL;
  const found = foundObject(object, context.members);
  const isClosed = judgeOpen(context.files, WRITES, found).kind === 'refuse';
  const errno =
    isClosed && !opensAnyway(referral.tid, context, found, path.bytes.subarray(0, length))
      ? closedError(found, mode)
      : undefined;
  close(object.descriptor);
  return errno === undefined ? CONTINUE_CALL : fail(errno);
}

/** Memory, what is held for writing, pseudo-terminals of one's own, and /dev/tty, of which is seen at an open which terminal it means. */
function opensAnyway(tid: number, context: FileContext, object: OpenObject, name: Uint8Array): boolean {
  return (
    isAnonymousMemory(object) ||
    object.characterDevice === CONTROLLING_TERMINAL ||
    object.characterDevice === MASTER ||
    context.pseudoTerminals.find(object) !== undefined ||
    isHeld(tid, name, object, context)
  );
}

function find(
  tid: number,
  members: Members,
  directory: number,
  length: number,
  flags: number,
): ReturnType<typeof resolveObject> {
  if (length > 0 || (flags & AT_EMPTY_PATH) === 0) {
    const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
    return resolveObject(tid, members, directory, path.bytes.subarray(0, length), follow);
  }
  if (directory === AT_FDCWD) return resolveObject(tid, members, AT_FDCWD, Buffer.from('.'), true);
  const own = openTargetDescriptor(tid, directory);
  return own < 0 ? { kind: 'error', errno: -own } : objectOf(own);
}

/** Undefined where the kernel itself says no. */
function closedError(object: OpenObject, mode: number): number | undefined {
  if (accessDescriptor(object.descriptor, mode) < 0) return undefined;
  return OF_THE_MOUNT.has(object.mode & S_IFMT) ? Errno.EROFS : Errno.EACCES;
}
