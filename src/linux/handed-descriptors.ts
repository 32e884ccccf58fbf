/**
 * Which descriptors this process was started with. Node opens a dozen of its own before any program runs, and to write to
 * one of those, or to wait for it, ends or hangs the process.
 *
 * What came through execve(2) was not close-on-exec, and what Node opens is. But when it starts Node marks what it was given,
 * too: the descriptors below 17, and further ones up to the first gap (libuv, uv_disable_stdio_inheritance). Among those
 * its own are told by their kind: event descriptors, and pipes of which this process has both ends.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { F_GETFL, O_ACCMODE } from './files.ts';
import { fcntl } from './libc.ts';

const F_GETFD = 1;
const FD_CLOEXEC = 1;
/** Node marks all below this one. */
const FIRST_AFTER_GAPS = 17;
const DESCRIPTORS = '/proc/self/fd';

/** True for an open descriptor that was handed to this process, as far as can be told: false where /proc is missing. */
export function isHandedDown(descriptor: number): boolean {
  const flags = fcntl(descriptor, F_GETFD, 0);
  if (flags < 0) return false;
  if ((flags & FD_CLOEXEC) === 0 || descriptor <= 2) return true;
  if (descriptor >= FIRST_AFTER_GAPS && !isHandedDown(descriptor - 1)) return false;
  const kind = kindOf(descriptor);
  return kind !== undefined && !kind.startsWith('anon_inode:') && !isOwnPipe(descriptor, kind);
}

/** All descriptors that were handed to this process. */
export function handedDescriptors(): number[] {
  return openDescriptors().filter(isHandedDown);
}

/** True for a pipe that this process has made: its other end is here as well. */
export function isOwnPipe(descriptor: number, kind: string | undefined = kindOf(descriptor)): boolean {
  if (kind?.startsWith('pipe:') !== true) return false;
  const isOtherEnd = (other: number): boolean =>
    other > 2 &&
    kindOf(other) === kind &&
    accessMode(other) !== accessMode(descriptor) &&
    (fcntl(other, F_GETFD, 0) & FD_CLOEXEC) !== 0;
  return openDescriptors().some(isOtherEnd);
}

/** What a descriptor is open for (O_ACCMODE of open(2)), or a negated error number. */
export function accessMode(descriptor: number): number {
  const flags = fcntl(descriptor, F_GETFL, 0);
  return flags < 0 ? flags : flags & O_ACCMODE;
}

function openDescriptors(): number[] {
  try {
    return readdirSync(DESCRIPTORS).map(Number);
  } catch {
    return [];
  }
}

/** `pipe:[123]`, `anon_inode:[eventfd]`, a path. */
function kindOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`, 'latin1');
  } catch {
    return undefined;
  }
}
