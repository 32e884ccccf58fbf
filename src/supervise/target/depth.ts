/**
 * Where an open directory lies whose path is longer than the kernel tells (PATH_MAX): asked by handles, not by names.
 *
 * From the directory the way leads up by `..` to the deepest one above it that still has a path. That path's next component is too
 * long for every rule, whose paths all end within PATH_MAX. So no rule lies below it, and what rules say of anything there they say
 * of whatever lies at this depth.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PATH_MAX,
  fstat,
  openPath,
  openat2,
  pathOfDescriptor,
  terminated,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';

const UP = '../';
/** How far one look may go: the longest path that the kernel follows. */
const FARTHEST = Math.floor((PATH_MAX - 1) / UP.length);
const WAY = terminated(Buffer.from(UP.repeat(FARTHEST)));
/** How far looks go, one after the other. */
const STEPS = [1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1];
/** A tree that is deeper than so many times the longest step is not looked through. */
const MOST_LOOKS = 256;
/** Where the last search has ended: programs work in a tree level by level, so that the next one may begin nearby. */
const NEARBY = 2;
let lastDistance = 0;

/** What stands for the components that are not told. No rule holds it: two slashes are none of the kernel's own. */
export const UNTOLD: Buffer = Buffer.from('//...');
const SLASHES = Buffer.from('//');

/**
 * The path of the deepest directory that has one, and `//...` for the rest of the way down to an open directory (O_PATH will do)
 * that has none. A negated error number: ENAMETOOLONG also where we may not search the directories on the way.
 */
export function pathOfDeepDirectory(directory: number): Buffer | number {
  const ascent = new Ascent(directory);
  let isNear = true;
  for (let rest = lastDistance - 1 - NEARBY; isNear && rest > 0; rest -= FARTHEST)
    isNear = ascent.rise(Math.min(rest, FARTHEST));
  let steps = isNear ? 2 * NEARBY : 0;
  while (steps > 0 && ascent.rise(1)) steps -= 1;
  if (steps === 0)
    for (const step of STEPS) for (let looks = 0; looks < MOST_LOOKS && ascent.rise(step); looks += 1);
  lastDistance = ascent.distance + 1;
  const path = ascent.pathAbove();
  ascent.end();
  return typeof path === 'number' ? -Errno.ENAMETOOLONG : Buffer.concat([path, UNTOLD]);
}

/** The way up from a directory that has no path, through such as have none either. */
class Ascent {
  readonly #directory: number;
  #current: number;
  distance = 0;

  constructor(directory: number) {
    this.#directory = directory;
    this.#current = directory;
  }

  /** Goes up by so many levels where there is no path there either; else, or where there is no way, it stays. */
  rise(levels: number): boolean {
    const above = openAbove(this.#current, levels);
    if (above < 0) return false;
    if (pathOfDescriptor(above) !== -Errno.ENAMETOOLONG) {
      close(above);
      return false;
    }
    this.end();
    this.#current = above;
    this.distance += levels;
    return true;
  }

  /** The path of the next directory above, or a negated error number. */
  pathAbove(): Buffer | number {
    const above = openAbove(this.#current, 1);
    if (above < 0) return above;
    const path = pathOfDescriptor(above);
    close(above);
    return path;
  }

  end(): void {
    if (this.#current !== this.#directory) close(this.#current);
    this.#current = this.#directory;
  }
}

function openAbove(directory: number, levels: number): number {
  return openat2(directory, WAY.subarray((FARTHEST - levels) * UP.length), O_PATH | O_DIRECTORY, 0, 0);
}

/** What of a path exists under that name: all of it, or of a place that is too deep the deepest directory that has a path. */
export function toldPart(path: Buffer): Buffer {
  const end = path.indexOf(SLASHES);
  if (end >= 0) return path.subarray(0, Math.max(end, 1));
  // A name in a directory whose own path just fits.
  return path.length < PATH_MAX ? path : path.subarray(0, path.lastIndexOf('/'));
}

/** Whether two open objects (O_PATH will do) are one file. */
export function isSameFile(one: number, other: number): boolean {
  const [first, second] = [fstat(one), fstat(other)];
  if (typeof first === 'number' || typeof second === 'number') return false;
  return first.device === second.device && first.inode === second.inode;
}

const DELETED = Buffer.from(' (deleted)');

/**
 * True for an open directory that was removed: no name is found there, nor made.
 * @param path as the kernel names it now, with a word behind it that a directory may also be called by
 */
export function isRemoved(directory: number, path: Buffer): boolean {
  const isDeep = path.subarray(-UNTOLD.length).equals(UNTOLD);
  if (!isDeep && !path.subarray(-DELETED.length).equals(DELETED)) return false;
  const status = fstat(directory);
  if (typeof status === 'number' || status.links === 0) return true;
  if (isDeep) return false;
  const named = openPath(AT_FDCWD, terminated(path), O_NOFOLLOW);
  const isThere = named >= 0 && isSameFile(named, directory);
  if (named >= 0) close(named);
  return !isThere;
}
