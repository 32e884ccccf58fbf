/** The symbolic links that the kernel follows on its way to a path (path_resolution(7)). */
import { lstatSync, readlinkSync } from 'node:fs';
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, terminated } from '../linux/files.ts';
import { readlinkat, readlinkText } from '../linux/libc.ts';
import { absolutePath, lookupError, refuseUnspeakable, splitPath } from './paths.ts';
import type { PathBytes } from './policy.ts';

const SLASH = '/';
/** As many as the kernel follows. */
const MAX_LINKS = 40;

/** Where each of them lies, as the kernel names it, up to where the look-up fails. The path is absolute, dots and all. */
export function linksOnTheWay(path: PathBytes): PathBytes[] {
  return wayOf(path).links;
}

/**
 * The same, and the place that the path leads to. What does not exist is taken for directories that may come into being.
 */
export function wayOf(path: PathBytes): Way {
  return new Ways().of(path);
}

export interface Way {
  readonly links: PathBytes[];
  readonly place: PathBytes;
}

/** Its place with bytes as characters (latin1). */
export interface TextWay {
  readonly links: PathBytes[];
  readonly place: string;
}

/** The ways to many paths, looked up at one time: what several of them lead through is looked at once. */
export class Ways {
  /** By names as the kernel has them, bytes as characters, like all texts here. */
  readonly #looked = new Map<string, Look>();
  /** To directories, as they were written. */
  readonly #directories = new Map<string, Found>([['', { links: [], place: '', isMissing: false }]]);

  /** As `wayOf`. */
  of(path: PathBytes): Way {
    const { links, place } = this.ofText(path.toString('latin1'));
    return { links, place: Buffer.from(place, 'latin1') };
  }

  /** The same with bytes as characters. */
  ofText(path: string): TextWay {
    const { links, place } = this.#find(path);
    return { links, place: place === '' ? SLASH : place };
  }

  #find(text: string): Found {
    const slash = text.lastIndexOf(SLASH);
    const name = text.slice(slash + 1);
    if (slash === -1 || name === '' || name === '.' || name === '..') return this.#follow(text);
    const above = this.#directory(text.slice(0, slash));
    const place = `${above.place}/${name}`;
    // Where a directory is missing, so is all below it.
    const look = above.isMissing ? 'missing' : this.#look(place);
    return Buffer.isBuffer(look)
      ? this.#follow(text)
      : { links: above.links, place, isMissing: look === 'missing' };
  }

  #directory(written: string): Found {
    const known = this.#directories.get(written);
    if (known !== undefined) return known;
    const way = this.#find(written);
    this.#directories.set(written, way);
    return way;
  }

  #look(entry: string): Look {
    const known = this.#looked.get(entry);
    if (known !== undefined) return known;
    const look = lookAt(entry);
    this.#looked.set(entry, look);
    return look;
  }

  #follow(text: string): Found {
    const { links, place } = follow(Buffer.from(text, 'latin1'), (entry) => {
      const look = this.#look(entry.toString('latin1'));
      return Buffer.isBuffer(look) ? look : undefined;
    });
    return { links, place: place.length === 1 ? '' : place.toString('latin1'), isMissing: false };
  }
}

/** A way as text, the root being empty. */
interface Found {
  readonly links: PathBytes[];
  readonly place: string;
  readonly isMissing: boolean;
}

/** The target of a symbolic link; or else: something is there, perhaps; nothing is. */
type Look = Buffer | 'other' | 'missing';

const firstByte = Buffer.alloc(1);

/** What is the same in latin1 and in UTF-8, and holds no NUL. */
const ASCII_PATTERN = /^[ -~]*$/;

function lookAt(entry: string): Look {
  // The one call that tells a link from all else without a word about it: a start may look up hundreds.
  const result = ASCII_PATTERN.test(entry)
    ? readlinkText(entry, firstByte, 1)
    : readlinkat(AT_FDCWD, terminated(Buffer.from(entry, 'latin1')), firstByte, 1);
  if (result === -Errno.ENOENT || result === -Errno.ENOTDIR) return 'missing';
  return (result < 0 ? undefined : linkTarget(Buffer.from(entry, 'latin1'))) ?? 'other';
}

/**
 * The place that a person names by a path, of which nothing needs to exist, and the links on the way. Throws a ValueError.
 * @param base where a relative one starts; undefined: the current directory
 */
export function resolveMissing(path: Buffer, base?: PathBytes, ways: Ways = new Ways()): Way {
  refuseUnspeakable(path);
  return checked(ways.of(absolutePath(path, base)));
}

/** The same of an absolute path, bytes as characters, in which no NUL is. */
export function resolveMissingText(path: string, ways: Ways): TextWay {
  return checked(ways.ofText(path));
}

function checked<Found extends Pick<Way, 'links'>>(way: Found): Found {
  if (way.links.length > MAX_LINKS) throw lookupError(Errno.ELOOP);
  return way;
}

function follow(path: PathBytes, targetOf: (entry: PathBytes) => Buffer | undefined): Way {
  const links: PathBytes[] = [];
  let here: PathBytes = Buffer.from(SLASH);
  const ahead = componentsOf(path);
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '..') here = splitPath(here).parent;
    if (name === '..' || name === '.') continue;
    const entry = entryOf(here, name);
    const target = targetOf(entry);
    if (target === undefined) {
      here = entry;
      continue;
    }
    links.push(entry);
    if (links.length > MAX_LINKS) break;
    if (target.toString('latin1', 0, 1) === SLASH) here = Buffer.from(SLASH);
    ahead.unshift(...componentsOf(target));
  }
  return { links, place: here };
}

function entryOf(directory: PathBytes, name: string): PathBytes {
  return Buffer.concat([directory, Buffer.from(`${directory.length === 1 ? '' : SLASH}${name}`, 'latin1')]);
}

/** Bytes as characters (latin1). */
function componentsOf(path: Buffer): string[] {
  return path
    .toString('latin1')
    .split(SLASH)
    .filter((name) => name !== '');
}

/** Undefined where no symbolic link is, or none that can be looked at: nobody gets through there. */
function linkTarget(path: PathBytes): Buffer | undefined {
  try {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? readlinkSync(path, { encoding: 'buffer' }) : undefined;
  } catch {
    return undefined;
  }
}
