/**
 * The errors that the kernel would have given before it changed anything, looked up without trying.
 * A refusal comes only where the call would have succeeded: `mkdir -p` lives on EEXIST.
 */
import { opendirSync } from 'node:fs';
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_TMPFILE_BIT,
  O_TRUNC,
  PROC_SUPER_MAGIC,
  R_OK,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  W_OK,
  X_OK,
  accessDescriptor,
  fileMode,
  fileSystemType,
  openPath,
  openat2,
} from '../../linux/files.ts';
import { close, openat } from '../../linux/libc.ts';
import type { Referral } from '../referral.ts';
import type { OpenRequest } from './open-request.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import type { OpenObject } from './object.ts';

const NO_PATH = new Uint8Array(1);

/**
 * The error of flags and mode that no open takes (EINVAL). The kernel looks at them before the path, so it is asked with an
 * empty one, which leads nowhere.
 */
export function flagsError({ flags, mode, resolve, fromMemory }: OpenRequest): number | undefined {
  const result =
    fromMemory === true
      ? openat2(AT_FDCWD, NO_PATH, flags, mode, resolve)
      : openat(AT_FDCWD, NO_PATH, flags | O_CLOEXEC, mode);
  return result === -Errno.EINVAL ? Errno.EINVAL : undefined;
}

/**
 * No number is left for what would be opened: the kernel takes one before it looks at the path, but an empty one. Not asked of what goes on,
 * where it does that itself.
 */
export function lacksNumber(referral: Referral, path: Uint8Array): boolean {
  return path.length > 0 && !referral.hasRoom();
}

/** open(2) of something that exists. */
export function openError(object: OpenObject, flags: number): number | undefined {
  const type = object.mode & S_IFMT;
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return Errno.EEXIST;
  if (type === S_IFLNK) return (flags & O_DIRECTORY) === 0 ? Errno.ELOOP : Errno.ENOTDIR;
  const writes = (flags & (O_ACCMODE | O_TRUNC)) !== 0;
  const nameless = (flags & O_TMPFILE_BIT) !== 0;
  if (type === S_IFDIR && !nameless && (writes || (flags & O_CREAT) !== 0)) return Errno.EISDIR;
  if (type !== S_IFDIR && (flags & O_DIRECTORY) !== 0) return Errno.ENOTDIR;
  if (type === S_IFSOCK) return Errno.ENXIO;
  return accessError(object.descriptor, neededAccess(flags));
}

/** What access(2) must allow for an open with these flags. */
export function neededAccess(flags: number): number {
  const mode = flags & O_ACCMODE;
  const reads = mode !== 1 ? R_OK : 0;
  const writes = mode !== 0 || (flags & O_TRUNC) !== 0 ? W_OK : 0;
  return reads | writes;
}

/** EACCES or EROFS where permission bits or the mount forbid it. */
export function accessError(descriptor: number, mode: number): number | undefined {
  const result = accessDescriptor(descriptor, mode);
  return result < 0 ? -result : undefined;
}

/** Making or removing a name in this directory. */
export function entryError(entry: ResolvedEntry): number | undefined {
  // In /proc nothing is made: looking a missing name up fails already.
  const isProc = fileSystemType(entry.directory) === PROC_SUPER_MAGIC;
  if (isProc && entryType(entry) === undefined) return Errno.ENOENT;
  return accessError(entry.directory, W_OK | X_OK);
}

/** Of a name that was not found: in a directory that may not be searched nobody is told whether it is there. */
export function missingError(entry: ResolvedEntry): number {
  return accessError(entry.directory, X_OK) ?? Errno.ENOENT;
}

/** Type bits of what stands under a name, without following it; undefined where there is nothing. */
export function entryType(entry: ResolvedEntry): number | undefined {
  const descriptor = openPath(entry.directory, entry.name, O_NOFOLLOW);
  if (descriptor < 0) return undefined;
  const mode = fileMode(descriptor);
  close(descriptor);
  return mode < 0 ? undefined : mode & S_IFMT;
}

/** True where a directory surely holds something. */
export function isFilled(entry: ResolvedEntry): boolean {
  const descriptor = openPath(entry.directory, entry.name, O_NOFOLLOW | O_DIRECTORY);
  if (descriptor < 0) return false;
  try {
    const directory = opendirSync(`/proc/self/fd/${descriptor}`);
    const first = directory.readSync();
    directory.closeSync();
    return first !== null;
  } catch {
    return false;
  } finally {
    close(descriptor);
  }
}
