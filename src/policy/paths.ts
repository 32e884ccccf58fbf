/** Paths that a person gives, turned into paths as the kernel names them. */
import { readlinkSync, realpathSync } from 'node:fs';
import { Errno, errnoMessage } from '../linux/errno.ts';
import { AT_FDCWD, terminated } from '../linux/files.ts';
import { readlinkat } from '../linux/libc.ts';
import type { PathBytes, UnixSocketName } from './policy.ts';
import { errnoOf } from './system-error.ts';
import { ValueError } from './value-error.ts';
import { isWithin } from './within.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const HERE = Buffer.of(DOT);
const AT_SIGN = 0x40;
const PROC = Buffer.from('/proc');
const PROC_SELF = Buffer.from('/proc/self');
/** As many symbolic links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;
/** sun_path without the leading NUL of an abstract name (unix(7)). */
const MAX_ABSTRACT_NAME = 107;

/**
 * The absolute path that the kernel would come to: symbolic links resolved as far as the path exists. The last component
 * may be missing, its directory may not. A relative path starts at `base`, or at the current directory.
 */
export function resolvePath(path: Buffer, base?: PathBytes): PathBytes {
  refuseUnspeakable(path);
  const absolute = absolutePath(path, base);
  const resolved = besideAnother(absolute) ?? follow(absolute, MAX_LINKS);
  refuseOurOwn(resolved);
  return resolved;
}

/** The path from the root on, links and dots and all. */
export function absolutePath(path: Buffer, base?: PathBytes): PathBytes {
  return path[0] === SLASH ? path : child(base ?? currentDirectory(), path);
}

/** A Unix socket outside the sandbox: `@name` is an abstract one, all else a path (`./@name` for a file so called). */
export function parseUnixSocket(word: Buffer, base?: PathBytes): UnixSocketName {
  if (word[0] !== AT_SIGN) return { kind: 'path', path: resolvePath(word, base) };
  const name = word.subarray(1);
  if (name.length === 0) throw new ValueError('has no name after the @');
  if (name.includes(0)) throw new ValueError('has a NUL byte');
  if (name.length > MAX_ABSTRACT_NAME) {
    throw new ValueError('is too long', { hint: `an abstract name has at most ${MAX_ABSTRACT_NAME} bytes` });
  }
  return { kind: 'abstract', name: Buffer.from(name) };
}

/** The current directory in bytes; process.cwd() would decode them. */
export function currentDirectory(): PathBytes {
  const directory = realpath(HERE);
  if (directory === undefined) throw new ValueError('is relative, and the current directory is gone');
  return directory;
}

/** The directory that holds an absolute path, and the name in it. */
export function splitPath(path: PathBytes): { parent: PathBytes; name: Buffer } {
  let end = path.length;
  while (end > 1 && path[end - 1] === SLASH) end -= 1;
  const slash = path.subarray(0, end).lastIndexOf(SLASH);
  return { parent: path.subarray(0, Math.max(slash, 1)), name: path.subarray(slash + 1, end) };
}

/** To be called before the paths of a policy are looked up: what directories were called for an earlier one may have changed. */
export function forgetDirectories(): void {
  directories.clear();
}

/** Directories as they were written (latin1, with the slash), and as the kernel names them; undefined: there is none. */
const directories = new Map<string, PathBytes | undefined>();
const firstByte = Buffer.alloc(1);

/**
 * Long lists name many entries of one directory, which is looked up once. Undefined for a link, for what does not exist,
 * and for names that are none of the directory's: those take the long way.
 */
function besideAnother(path: PathBytes): PathBytes | undefined {
  const slash = path.lastIndexOf(SLASH);
  const name = path.subarray(slash + 1);
  if (name.length === 0 || isDots(name)) return undefined;
  const written = path.toString('latin1', 0, slash + 1);
  let resolved = directories.get(written);
  if (resolved === undefined && !directories.has(written)) {
    resolved = realpath(path.subarray(0, slash + 1));
    directories.set(written, resolved);
  }
  if (resolved === undefined) return undefined;
  const entry = child(resolved, name);
  // The one call that tells a link from all else without a word about it: a start may look up thousands.
  return readlinkat(AT_FDCWD, terminated(entry), firstByte, 1) === -Errno.EINVAL ? entry : undefined;
}

function follow(path: PathBytes, linksLeft: number): PathBytes {
  const existing = realpath(path);
  if (existing !== undefined) return existing;
  const { parent, name } = splitPath(path);
  const directory = realpath(parent);
  if (directory === undefined || isDots(name)) {
    throw new ValueError('is in a directory that does not exist', { place: parent });
  }
  const missing = child(directory, name);
  const target = linkTarget(missing);
  if (target === undefined) return missing;
  if (linksLeft === 0) throw lookupError(Errno.ELOOP);
  return follow(target[0] === SLASH ? target : child(directory, target), linksLeft - 1);
}

/** Undefined where nothing is. */
function realpath(path: Buffer): PathBytes | undefined {
  try {
    return realpathSync.native(path, { encoding: 'buffer' });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === Errno.ENOENT) return undefined;
    throw lookupError(errno);
  }
}

/** Undefined where no symbolic link is. */
function linkTarget(path: PathBytes): Buffer | undefined {
  try {
    return readlinkSync(path, { encoding: 'buffer' });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === Errno.ENOENT || errno === Errno.EINVAL) return undefined;
    throw lookupError(errno);
  }
}

/** No path is spelt so. */
export function refuseUnspeakable(path: Buffer): void {
  if (path.length === 0) throw new ValueError('is empty', { hint: 'a path is expected' });
  if (path.includes(0)) throw new ValueError('has a NUL byte', { hint: 'no path can hold one' });
}

/** Throws where a path is an entry of this process in /proc. */
export function refuseOurOwn(path: PathBytes): void {
  if (isOurOwn(path))
    throw new ValueError('names an entry of secfilt itself in /proc', { hint: 'the command has another' });
}

/** /proc/self is the process that looks: a rule for it would open the supervisor, not the command. */
export function isOurOwn(path: PathBytes): boolean {
  if (!isWithin(path, PROC)) return false;
  const self = realpath(PROC_SELF);
  return self !== undefined && isWithin(path, self);
}

function child(directory: PathBytes, name: Buffer): PathBytes {
  const start = directory[directory.length - 1] === SLASH ? directory.length : directory.length + 1;
  const path = Buffer.allocUnsafe(start + name.length);
  path.set(directory);
  path[start - 1] = SLASH;
  path.set(name, start);
  return path;
}

function isDots(name: Buffer): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}

/** What to tell where a path cannot be followed. */
export function lookupError(errno: number): ValueError {
  return new ValueError('cannot be looked up', { hint: errnoMessage(errno) });
}
