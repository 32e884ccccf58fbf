/** What the choice depends on who holds the rules about reading, looked up for the places that they name. */
import { readdirSync, statSync } from 'node:fs';
import { AT_FDCWD, R_OK, W_OK, X_OK, terminated } from '../../linux/files.ts';
import { syscallMemory2 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { Errno } from '../../linux/errno.ts';
import { readingRules, readingWays, type ReadingFacts } from '../../plan/reading.ts';
import { changeableTrees, type PathBytes, type Policy } from '../../policy/policy.ts';

/** Generic SCSI devices read sectors too (sg). */
const DEVICE_CLASSES = ['/sys/class/block', '/sys/class/scsi_generic'] as const;

/** Looks, and changes nothing. What cannot be looked at counts as what allows least. */
export function readingFacts({ read = [], files }: Policy): ReadingFacts {
  const closed = read.flatMap(({ effect, place }) =>
    effect === 'deny' && place.kind === 'path' && isClosed(place.path) ? [place.path] : [],
  );
  const devices = readableDevices();
  const ways = readingWays(readingRules(read, { closed, devices }));
  return {
    closed,
    devices,
    changeable: files === undefined ? ways.filter(isChangeable) : [],
    unlistable: ways.filter((way) => access(way, R_OK) === -Errno.EACCES),
    directories: changeableTrees(files).filter(isDirectory),
  };
}

/**
 * Whether this user can neither read nor enter it, nor give himself the right, by it or by a directory on the way: then nothing has
 * to keep him from it. Memory of the machine (mem(4), /proc/kcore) needs a capability besides that nothing in a sandbox has.
 */
function isClosed(path: PathBytes): boolean {
  if (access(path, R_OK) !== -Errno.EACCES || access(path, X_OK) !== -Errno.EACCES) return false;
  for (let place = path; place.length > 1; place = parentOf(place)) if (isOwn(place)) return false;
  return true;
}

function parentOf(path: PathBytes): PathBytes {
  return path.subarray(0, Math.max(1, path.lastIndexOf('/')));
}

function isChangeable(directory: PathBytes): boolean {
  const result = access(directory, W_OK);
  // What does not exist may come into being, in a directory that is asked about as well.
  if (result === -Errno.ENOENT || result === -Errno.ENOTDIR || result === -Errno.EROFS) return false;
  return result === 0 || isOwn(directory);
}

function isOwn(path: PathBytes): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid === process.geteuid?.();
  } catch {
    return false;
  }
}

function isDirectory(path: PathBytes): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

function readableDevices(): PathBytes[] {
  return DEVICE_CLASSES.flatMap(namesOf)
    .map((name) => Buffer.from(`/dev/${name.replaceAll('!', '/')}`))
    .filter((path) => access(path, R_OK) === 0);
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** faccessat(2). 0, or a negated error number. */
function access(path: PathBytes, mode: number): number {
  return syscallMemory2(X86_64.faccessat, AT_FDCWD, terminated(path), mode, 0, 0);
}
