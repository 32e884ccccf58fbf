/**
 * Paths in the target's view, resolved by the kernel (path_resolution(7)).
 *
 * The target cannot change its root (chroot, pivot_root and setns are refused), so absolute paths start at ours. Its
 * working directory and descriptors are opened through /proc/TID, the thread's own. What differs is /proc/self: there
 * the kernel would see us. So the fast way forbids magic links and looks whether it came out below our own /proc
 * directory; if either may have mattered, the path is walked again component by component (walk.ts).
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  fileMode,
  fileSystemType,
  openPath,
  openat2,
  pathOfDescriptor,
  readLink,
  terminated,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { isSameFile } from './depth.ts';
import type { Members } from './members.ts';
import { splitLast, terminatedView, type NoName } from './path-text.ts';
import {
  describe,
  describeIn,
  entryIn,
  failure,
  keepInView,
  type ResolutionError,
  type ResolvedEntry,
  type ResolvedObject,
} from './resolved.ts';
import { closeStart, isNegated, openStart } from './start.ts';
import { openStep, walk } from './walk.ts';

const SLASH = 0x2f;
/** MAXSYMLINKS of the kernel. */
const MOST_LINKS = 40;
const ROOT = terminated(Buffer.from('/'));
const HERE = terminated(Buffer.from('.'));
const NO_BYTES = new Uint8Array(1);
const SLASH_TEXT = Buffer.from('/');
const OWN_PROC = Buffer.from(`/proc/${process.pid}`);

function isBelowOwnProc(path: Uint8Array): boolean {
  return path.length >= OWN_PROC.length && Buffer.compare(path.subarray(0, OWN_PROC.length), OWN_PROC) === 0;
}

/** Opens with O_PATH what a path leads to from an open start, as the target would see it. */
function openFrom(tid: number, members: Members, start: number, path: Uint8Array, flags: number): number {
  const result = openat2(start, path, O_PATH | flags, 0, RESOLVE_NO_MAGICLINKS);
  if (result < 0) return mayBeOurOwnView(result) ? walkOut(tid, members, start, path, flags) : result;
  return isOurOwnView(result) ? walkOut(tid, members, start, path, flags) : result;
}

/** A walk may follow links of /proc, and they lead anywhere. */
function walkOut(tid: number, members: Members, start: number, path: Uint8Array, flags: number): number {
  keepInView(false);
  return walk(tid, members, start, path, flags);
}

/** True, and closed, when the way may have led through our own /proc directory. */
function isOurOwnView(descriptor: number): boolean {
  const name = pathOfDescriptor(descriptor);
  if (typeof name === 'number' || !isBelowOwnProc(name)) return false;
  close(descriptor);
  return true;
}

/** Failures that a path through /proc/self may owe to our being somebody else. */
function mayBeOurOwnView(result: number): boolean {
  return (
    result === -Errno.ELOOP ||
    result === -Errno.ENOENT ||
    result === -Errno.EACCES ||
    result === -Errno.ENOTDIR
  );
}

/**
 * The object at the end of a path, or, where only the last name is missing, the entry that a creating call would
 * make: behind dangling links too, as the kernel does.
 * @param follow false: a symbolic link at the end is the object
 * @param restriction RESOLVE_ flags of openat2(2): they may give the path another meaning (RESOLVE_IN_ROOT)
 */
export function resolve(
  tid: number,
  members: Members,
  directory: number,
  path: Uint8Array,
  follow: boolean,
  restriction = 0,
): ResolvedObject | ResolvedEntry | ResolutionError {
  if (path.length === 0) return failure(-Errno.ENOENT);
  keepInView(path[0] === SLASH && restriction === 0);
  if (restriction !== 0) return resolveRestricted(tid, members, directory, path, follow, restriction);
  const start = openStart(tid, directory, path);
  if (isNegated(start)) return failure(start);
  const resolution = resolveFrom(tid, members, start, terminatedView(path), follow, 0);
  closeStart(start);
  return resolution;
}

/** As openat2(2) does under its restrictions. What would lead through our own /proc is not walked, but refused. */
function resolveRestricted(
  tid: number,
  members: Members,
  directory: number,
  path: Uint8Array,
  follow: boolean,
  restriction: number,
): ResolvedObject | ResolvedEntry | ResolutionError {
  const inRoot = (restriction & RESOLVE_IN_ROOT) !== 0;
  const start = openStart(tid, directory, inRoot ? NO_BYTES : path);
  if (isNegated(start)) return failure(start);
  const flags = O_PATH | (follow ? 0 : O_NOFOLLOW);
  const own = restriction | RESOLVE_NO_MAGICLINKS;
  const result = openat2(start, terminatedView(path), flags, 0, own);
  const parts = result === -Errno.ENOENT ? splitLast(path) : undefined;
  if (parts?.kind !== 'name') {
    const resolution = restrictedObject(tid, members, start, path, follow, result);
    closeStart(start);
    return resolution;
  }
  const parentPath = parts.parent.length === 0 ? HERE : terminated(parts.parent);
  const parent = openat2(start, parentPath, O_PATH | O_DIRECTORY, 0, own);
  closeStart(start);
  if (parent < 0) return failure(parent);
  const link = openPath(parent, terminated(parts.name), O_NOFOLLOW);
  if (link === -Errno.ENOENT) return entryIn(parent, parts.name, parts.trailingSlash);
  close(parent);
  if (link >= 0) close(link);
  // A link that leads nowhere: creating through it under a restriction is left out.
  return failure(link < 0 ? link : -Errno.ENOENT);
}

function restrictedObject(
  tid: number,
  members: Members,
  start: number,
  path: Uint8Array,
  follow: boolean,
  result: number,
): ResolvedObject | ResolutionError {
  if (result < 0) return failure(result);
  if (isOurOwnView(result)) return failure(-Errno.EXDEV);
  if (!isDeepFile(result, pathOfDescriptor(result))) return describe(result);
  // Where it lies the same path tells that leads to it without restrictions.
  const found = resolveFrom(tid, members, start, terminatedView(path), follow, 0);
  if (found.kind === 'object' && isSameFile(found.descriptor, result)) {
    close(result);
    return found;
  }
  if (found.kind !== 'error') close(found.kind === 'object' ? found.descriptor : found.directory);
  return describe(result);
}

function resolveFrom(
  tid: number,
  members: Members,
  start: number,
  path: Uint8Array,
  follow: boolean,
  links: number,
): ResolvedObject | ResolvedEntry | ResolutionError {
  const flags = follow ? 0 : O_NOFOLLOW;
  const result = openat2(start, path, O_PATH | flags, 0, RESOLVE_NO_MAGICLINKS);
  if (result === -Errno.ENOENT) return resolveAbsent(tid, members, start, path, follow, links);
  if (result < 0 && !mayBeOurOwnView(result)) return failure(result);
  if (result >= 0) {
    const name = pathOfDescriptor(result);
    if (isDeepFile(result, name)) return deepFile(tid, members, start, path, links, result);
    if (typeof name === 'number' || !isBelowOwnProc(name)) return describe(result, name);
    close(result);
  }
  const resolution = walked(tid, members, start, path, flags, links);
  // Below a magic link a name may be missing as anywhere else.
  return resolution.kind === 'error' && resolution.errno === Errno.ENOENT
    ? resolveAbsent(tid, members, start, path, follow, links)
    : resolution;
}

function walked(
  tid: number,
  members: Members,
  start: number,
  path: Uint8Array,
  flags: number,
  links: number,
): ResolvedObject | ResolvedEntry | ResolutionError {
  const result = walkOut(tid, members, start, path, flags);
  if (result < 0) return failure(result);
  const name = pathOfDescriptor(result);
  return isDeepFile(result, name)
    ? deepFile(tid, members, start, path, links, result)
    : describe(result, name);
}

/** True for what has no path any more for its depth, and is no directory, whose way up leads to where there is one. */
function isDeepFile(descriptor: number, name: Buffer | number): boolean {
  return name === -Errno.ENAMETOOLONG && (fileMode(descriptor) & S_IFMT) !== S_IFDIR;
}

/** Where a file lies that a path has led to: in the directory that the path names before its last component, or behind a link there. */
function deepFile(
  tid: number,
  members: Members,
  start: number,
  path: Uint8Array,
  links: number,
  descriptor: number,
): ResolvedObject | ResolvedEntry | ResolutionError {
  const parts = splitLast(path.subarray(0, path.indexOf(0)));
  const parent = parts.kind === 'name' ? openParent(tid, members, start, parts.parent) : -Errno.ENAMETOOLONG;
  if (parent < 0 || parts.kind !== 'name') return describe(descriptor);
  const found = openPath(parent, terminated(parts.name), O_NOFOLLOW);
  if (found >= 0 && isSameFile(found, descriptor)) {
    close(found);
    return describeIn(parent, parts.name, descriptor);
  }
  const isLink = found >= 0 && (fileMode(found) & S_IFMT) === S_IFLNK && links < MOST_LINKS;
  // Where a link of /proc has led, its text does not tell.
  const text = isLink && fileSystemType(found) !== PROC_SUPER_MAGIC ? readLink(found, NO_BYTES) : -1;
  if (found >= 0) close(found);
  if (typeof text === 'number') {
    close(parent);
    return describe(descriptor);
  }
  close(descriptor);
  const from = text[0] === SLASH ? AT_FDCWD : parent;
  const resolution = resolveFrom(tid, members, from, terminated(text), true, links + 1);
  close(parent);
  return resolution;
}

/** Something on the way is missing: if it is only the last name, that is the entry. */
function resolveAbsent(
  tid: number,
  members: Members,
  start: number,
  path: Uint8Array,
  follow: boolean,
  links: number,
): ResolvedObject | ResolvedEntry | ResolutionError {
  const parts = splitLast(path.subarray(0, path.indexOf(0)));
  if (parts.kind !== 'name') return walked(tid, members, start, path, 0, links);
  const parent = openParent(tid, members, start, parts.parent);
  if (parent < 0) return failure(parent);
  const link = openStep(tid, parent, terminated(parts.name));
  if (link === -Errno.ENOENT) return entryIn(parent, parts.name, parts.trailingSlash);
  if (link < 0 || links >= MOST_LINKS) {
    close(parent);
    if (link >= 0) close(link);
    return failure(link < 0 ? link : -Errno.ELOOP);
  }
  const isProc = fileSystemType(link) === PROC_SUPER_MAGIC;
  const text = readLink(link, NO_BYTES);
  close(link);
  // It has appeared meanwhile, or it is a link of /proc, which the walk knows; else a link that leads nowhere.
  const resolution =
    isProc || typeof text === 'number'
      ? walked(tid, members, start, path, follow ? 0 : O_NOFOLLOW, links)
      : resolveFrom(
          tid,
          members,
          text[0] === SLASH ? AT_FDCWD : parent,
          terminated(parts.trailingSlash ? Buffer.concat([text, SLASH_TEXT]) : text),
          follow,
          links + 1,
        );
  close(parent);
  return resolution;
}

function openParent(tid: number, members: Members, start: number, parent: Uint8Array): number {
  if (parent.length > 0) return openFrom(tid, members, start, terminated(parent), O_DIRECTORY);
  return openat2(start, start === AT_FDCWD ? ROOT : HERE, O_PATH | O_DIRECTORY, 0, 0);
}

/** The object at the end of a path; an error where there is none. */
export function resolveObject(
  tid: number,
  members: Members,
  directory: number,
  path: Uint8Array,
  follow: boolean,
): ResolvedObject | ResolutionError {
  const resolution = resolve(tid, members, directory, path, follow);
  if (resolution.kind !== 'entry') return resolution;
  close(resolution.directory);
  return failure(-Errno.ENOENT);
}

/** The entry that a path names: its directory, opened, and the last component, not followed. */
export function resolveEntry(
  tid: number,
  members: Members,
  directory: number,
  path: Uint8Array,
): ResolvedEntry | NoName | ResolutionError {
  if (path.length === 0) return failure(-Errno.ENOENT);
  const parts = splitLast(path);
  keepInView(path[0] === SLASH);
  const start = openStart(tid, directory, path);
  if (isNegated(start)) return failure(start);
  // The way to "." and ".." must lead through a directory too, and be open: `f/.` is ENOTDIR.
  const parent =
    parts.kind === 'name'
      ? openParent(tid, members, start, parts.parent)
      : openFrom(tid, members, start, terminatedView(path), O_DIRECTORY);
  closeStart(start);
  if (parent < 0) return failure(parent);
  if (parts.kind !== 'name') {
    close(parent);
    return parts;
  }
  return entryIn(parent, parts.name, parts.trailingSlash);
}
