/** What the choice depends on who holds the rules about reading, looked up for the places that they name. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { R_OK, W_OK, X_OK, accessPath as access, accessPathEffectively } from '../../linux/files.ts';
import { Errno } from '../../linux/errno.ts';
import { isNews, withChildren, type PlaceTree } from '../../plan/place-tree.ts';
import { readingPlaces, readingRules, type ReadingFacts } from '../../plan/reading.ts';
import { changeableTrees, type PathBytes, type Policy } from '../../policy/policy.ts';
import { namesIn } from './listing.ts';

/** Classes of devices that read sectors, or flash memory, and where their files lie: by commands too (sg, bsg, NVMe since Linux 6.2). */
const DEVICE_CLASSES = [
  ['block', '/dev/'],
  ['scsi_generic', '/dev/'],
  ['bsg', '/dev/bsg/'],
  ['nvme', '/dev/'],
  ['nvme-generic', '/dev/'],
  ['mtd', '/dev/'],
  ['ubi', '/dev/'],
] as const;

/** Looks, and changes nothing. What cannot be looked at counts as what allows least. */
export function readingFacts({ read = [], files }: Policy): ReadingFacts {
  const devices = readableDevices();
  const found: Found = { ways: [], unlistable: [], closed: [], listed: new Map() };
  const places = lookedAt(readingPlaces(readingRules(read, { closed: [], devices })), found);
  return {
    places,
    listed: found.listed,
    closed: found.closed,
    devices,
    changeable: files === undefined ? found.ways.filter(isChangeable) : [],
    unlistable: found.unlistable,
    directories: changeableTrees(files).filter(isDirectory),
  };
}

interface Found {
  readonly ways: PathBytes[];
  readonly unlistable: PathBytes[];
  readonly closed: PathBytes[];
  readonly listed: Map<string, readonly string[]>;
}

/**
 * The places without those that are closed, and what was found on the way. Each directory is listed once, whatever is denied in it, and
 * nothing is looked for below one that is missing: of the hundreds of places of a set few are there.
 */
function lookedAt(places: PlaceTree, found: Found): PlaceTree {
  if (places.children.size === 0) return places;
  const { path, effect } = places;
  const result = access(path, R_OK);
  if (result === -Errno.ENOENT || result === -Errno.ENOTDIR) return places;
  const names = result === 0 ? namesIn(path) : undefined;
  if (effect === 'allow') {
    found.ways.push(path);
    if (result === -Errno.EACCES) found.unlistable.push(path);
    if (names !== undefined) found.listed.set(path.toString('latin1'), names);
  }
  const there = names && new Set(names);
  const children = new Map<string, PlaceTree>();
  for (const [name, child] of places.children) {
    if (there !== undefined && !there.has(name)) children.set(name, child);
    else if (isClosedAt(child)) found.closed.push(child.path);
    else {
      const looked = lookedAt(child, found);
      if (isNews(looked, places)) children.set(name, looked);
    }
  }
  return withChildren(places, children);
}

function isClosedAt({ effect, isDecided, children, path }: PlaceTree): boolean {
  return effect === 'deny' && isDecided && children.size === 0 && isClosed(path);
}

/**
 * Whether this user can neither read nor enter it, nor give himself the right, by it or by a directory on the way: then nothing has
 * to keep him from it. Memory of the machine (mem(4), /proc/kcore) needs a capability besides that nothing in a sandbox has.
 */
function isClosed(path: PathBytes): boolean {
  if (isLetIn(path, R_OK) || isLetIn(path, X_OK)) return false;
  for (let place = path; place.length > 1; place = parentOf(place)) if (isOwn(place)) return false;
  return true;
}

/** By the real ids or by the effective ones: a program may make either the other (setregid(2)). */
function isLetIn(path: PathBytes, mode: number): boolean {
  return access(path, mode) !== -Errno.EACCES || accessPathEffectively(path, mode) !== -Errno.EACCES;
}

function parentOf(path: PathBytes): PathBytes {
  return path.subarray(0, Math.max(1, path.lastIndexOf('/')));
}

function isChangeable(directory: PathBytes): boolean {
  const result = access(directory, W_OK);
  // What does not exist may come into being, in a directory that is asked about as well.
  if (result === -Errno.ENOENT || result === -Errno.ENOTDIR || result === -Errno.EROFS) return false;
  return result === 0 || accessPathEffectively(directory, W_OK) === 0 || isOwn(directory);
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

/**
 * Files by which what may not be read could be read all the same, of those that this user may open. Where nobody tells which devices
 * there are (no sysfs(5), as in some containers) /dev itself is looked through.
 * @param classes where the kernel lists devices by their class
 */
export function readableDevices(classes = '/sys/class'): PathBytes[] {
  const listed = DEVICE_CLASSES.flatMap(([name, folder]) =>
    namesOf(join(classes, name)).map((device) => folder + device.replaceAll('!', '/')),
  );
  const all = namesOf(join(classes, 'block')).length > 0 ? listed : [...listed, ...blockDevicesIn('/dev')];
  return all.map((path) => Buffer.from(path)).filter((path) => isReadable(path));
}

function isReadable(path: PathBytes): boolean {
  return access(path, R_OK) === 0 || accessPathEffectively(path, R_OK) === 0;
}

function blockDevicesIn(folder: string): string[] {
  return namesOf(folder)
    .map((name) => join(folder, name))
    .filter((path) => {
      try {
        return statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true;
      } catch {
        return false;
      }
    });
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
