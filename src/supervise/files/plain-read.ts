/**
 * The short way of an open for reading that has to be performed: of a regular file or a directory, for somebody who has our rights.
 * That is most of what programs open, and then there is nothing that the kernel would not say by itself when it is opened.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  F_SETFL,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  PROC_SUPER_MAGIC,
  S_IFDIR,
  S_IFREG,
  fileSystemType,
} from '../../linux/files.ts';
import { impersonated } from '../../linux/impersonation.ts';
import { close, fcntl, openText } from '../../linux/libc.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import type { OpenCall } from '../../judge/files.ts';
import type { ResolutionError, ResolvedEntry, ResolvedObject } from '../target/resolved.ts';
import type { FileContext } from './context.ts';
import { handed } from './handed.ts';
import { foundObject, type OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';
import { judgeReadingOf, readReported } from './read-open.ts';

const READING: OpenCall = { reads: true, writes: false, makesNameless: false, truncatesUnwritten: false };
const O_LARGEFILE = 0o100000;
const PLAIN = O_CLOEXEC | O_DIRECTORY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_LARGEFILE;

export function isPlainRead({ flags, fromMemory }: OpenRequest): boolean {
  return (flags & ~PLAIN) === 0 && fromMemory !== true;
}

/**
 * The reply to such an open, or undefined where the long way has to be gone with what was resolved.
 *
 * Whether the call still waits was not asked before: should its thread have ended, and its number be another's, then a path was read
 * that nobody has asked for. Nothing but a descriptor comes of that here, and the kernel gives it only to who waits for it. All else
 * is asked first.
 */
export function answerPlainly(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  resolution: ResolvedObject | ResolvedEntry | ResolutionError,
): Reply | undefined {
  if (resolution.kind === 'object') {
    const object = foundObject(resolution, context.members);
    const plain = openPlainly(referral, context, request, object);
    if (plain !== undefined) {
      close(object.descriptor);
      return readReported(referral, context, object, plain);
    }
  }
  if (referral.isCurrent()) return undefined;
  if (resolution.kind === 'object') close(resolution.descriptor);
  if (resolution.kind === 'entry') close(resolution.directory);
  return fail(Errno.ESRCH);
}

function openPlainly(
  referral: Referral,
  context: FileContext,
  { flags }: OpenRequest,
  object: OpenObject,
): Reply | undefined {
  if (judgeReadingOf(context, READING, object).kind !== 'perform' || impersonated() !== undefined)
    return undefined;
  const { type } = object;
  if (type !== S_IFREG && type !== S_IFDIR) return undefined;
  // Files of /proc tell of processes, of which not all are the caller's to look at.
  if (isOfProc(object) || !mayReach(referral, context)) return undefined;
  if (type === S_IFREG && (flags & O_DIRECTORY) !== 0) return fail(Errno.ENOTDIR);
  const own = (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY;
  const result = openText(AT_FDCWD, `/proc/self/fd/${object.descriptor}`, own | O_NONBLOCK, 0);
  // Somebody holds a lease on it (fcntl(2)): who may wait for its end does.
  if (result === -Errno.EAGAIN && (flags & O_NONBLOCK) === 0) return undefined;
  if (result >= 0 && (flags & O_NONBLOCK) === 0) fcntl(result, F_SETFL, own);
  return handed(result, flags, false);
}

/** Filters of its own have let the call pass before we were asked (seccomp(2)); only where rights have to be read does it matter whose. */
function mayReach(referral: Referral, { credentials }: FileContext): boolean {
  return credentials.areSettled || (credentials.haveOurRights(referral.tid) && referral.isCurrent());
}

/** A mount is of one file system for ever. There are few, and a mount namespace that makes thousands is forgotten in between. */
const mounts = new Map<number, boolean>();
const MOST_MOUNTS = 256;

function isOfProc(object: OpenObject): boolean {
  const { descriptor, mount } = object;
  if (mount === undefined)
    return hasNoDevice(object.device) && fileSystemType(descriptor) === PROC_SUPER_MAGIC;
  const known = mounts.get(mount);
  if (known !== undefined) return known;
  const type = fileSystemType(descriptor);
  if (type < 0) return true;
  if (mounts.size >= MOST_MOUNTS) mounts.clear();
  mounts.set(mount, type === PROC_SUPER_MAGIC);
  return type === PROC_SUPER_MAGIC;
}

/** /proc lies on no device, which its number says (makedev(3)): the major number is 0, 12 bits of it, behind 8 of the minor one. */
function hasNoDevice(device: bigint): boolean {
  return (device & 0xf_ff00n) === 0n;
}
