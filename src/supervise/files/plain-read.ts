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
import { fcntl, openText } from '../../linux/libc.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import type { FileContext } from './context.ts';
import { handed } from './handed.ts';
import type { OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';

const O_LARGEFILE = 0o100000;
const PLAIN = O_CLOEXEC | O_DIRECTORY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_LARGEFILE;

/** The reply, or undefined where the long way has to be gone. The object stays the caller's. */
export function openPlainly(
  referral: Referral,
  context: FileContext,
  { flags, fromMemory }: OpenRequest,
  object: OpenObject,
): Reply | undefined {
  if ((flags & ~PLAIN) !== 0 || fromMemory === true || impersonated() !== undefined) return undefined;
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

/** Filters of its own have let the call pass before we were asked (seccomp(2)). */
function mayReach(referral: Referral, { credentials }: FileContext): boolean {
  return credentials.haveOurRights(referral.tid) && referral.isCurrent();
}

/** /proc lies on no device, which its number says (makedev(3)). */
function isOfProc({ descriptor, device }: OpenObject): boolean {
  return hasNoDevice(device) && fileSystemType(descriptor) === PROC_SUPER_MAGIC;
}

/** The major number is 0: 12 bits of it, behind 8 of the minor one. */
function hasNoDevice(device: bigint): boolean {
  return (device & 0xf_ff00n) === 0n;
}
