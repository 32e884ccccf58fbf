/**
 * The slow way through a path: component by component, with /proc/self and /proc/thread-self as the target's own.
 * Each step is still one the kernel takes: no link is followed but by reading it from an open directory.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PROC_SUPER_MAGIC,
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
import { looking } from '../../linux/impersonation.ts';
import { close, fcntl } from '../../linux/libc.ts';
import type { Members } from './members.ts';
import { hasOurView } from './mounts.ts';
import { targetStatus } from './target.ts';

const SLASH = 0x2f;
const F_DUPFD_CLOEXEC = 1030;
/** MAXSYMLINKS of the kernel. */
const MOST_LINKS = 40;
const NO_BYTES = new Uint8Array(1);

/**
 * Opens with O_PATH what a path leads to, in the view of a target.
 * @param start an open directory, or AT_FDCWD when the path is absolute
 * @param path bytes that end in NUL
 * @param flags O_NOFOLLOW: a link at the end is the object; O_DIRECTORY: the end must be a directory
 * @returns a descriptor of the caller's, or a negated error number
 */
export function walk(tid: number, members: Members, start: number, path: Uint8Array, flags: number): number {
  let current =
    path[0] === SLASH || start === AT_FDCWD ? openPath(AT_FDCWD, ROOT) : fcntl(start, F_DUPFD_CLOEXEC, 0);
  let pending = componentsOf(path.subarray(0, path.indexOf(0)));
  let links = 0;
  while (current >= 0) {
    const component = pending.shift();
    if (component === undefined) return current;
    const isLast = pending.every((rest) => rest.length === 0);
    const trailingSlash = isLast && pending.length > 0;
    const next = step(tid, current, component);
    if (typeof next === 'number') {
      // The empty component behind a last slash: a magic link may have led to what is no directory.
      const isEnd = isLast && !trailingSlash && component.length > 0;
      const checked = checkKind(next, isEnd ? flags & O_DIRECTORY : O_DIRECTORY);
      close(current);
      current = checked;
      continue;
    }
    if (isLast && !trailingSlash && (flags & O_NOFOLLOW) !== 0) {
      close(current);
      if ((flags & O_DIRECTORY) === 0) return next.link;
      close(next.link);
      return -Errno.ENOTDIR;
    }
    links += 1;
    const follow =
      links > MOST_LINKS ? -Errno.ELOOP : followLink(tid, members, current, next.link, component);
    close(next.link);
    if (typeof follow === 'number') {
      close(current);
      current = follow;
      continue;
    }
    pending = [...componentsOf(follow), ...pending];
    if (follow[0] === SLASH) {
      close(current);
      current = openPath(AT_FDCWD, ROOT);
    }
  }
  return current;
}

const ROOT = terminated(Buffer.from('/'));

/** Components of a path; a trailing slash leaves an empty one at the end. */
function componentsOf(path: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = [];
  let begin = 0;
  for (let at = 0; at <= path.length; at += 1) {
    if (at < path.length && path[at] !== SLASH) continue;
    if (at > begin) components.push(path.subarray(begin, at));
    begin = at + 1;
  }
  if (path.length > 0 && path[path.length - 1] === SLASH && components.length > 0)
    components.push(NO_BYTES.subarray(1));
  return components;
}

/** One component without following: an open object, a negated error number, or an open link. */
function step(tid: number, current: number, component: Uint8Array): number | { readonly link: number } {
  if (component.length === 0) return fcntl(current, F_DUPFD_CLOEXEC, 0);
  const own = targetsOwn(tid, current, component);
  if (own !== undefined) return own;
  const next = openStep(tid, current, terminated(component));
  if (next < 0) return next;
  const mode = fileMode(next);
  return mode >= 0 && (mode & S_IFMT) === S_IFLNK ? { link: next } : next;
}

/** Opens a name in a directory, not followed. What a process has in /proc of its own is open to it, whoever owns it there (proc(5)). */
export function openStep(tid: number, current: number, name: Buffer): number {
  const next = openPath(current, name, O_NOFOLLOW);
  const isClosed = next === -Errno.EACCES && isOwnDirectory(tid, current);
  return isClosed ? looking(() => openPath(current, name, O_NOFOLLOW)) : next;
}

/** /proc/self and /proc/thread-self, opened as the target's. */
function targetsOwn(tid: number, current: number, component: Uint8Array): number | undefined {
  const name = Buffer.from(component).toString('latin1');
  if ((name !== 'self' && name !== 'thread-self') || fileSystemType(current) !== PROC_SUPER_MAGIC)
    return undefined;
  const link = openPath(current, terminated(component), O_NOFOLLOW);
  if (link < 0) return link;
  const mode = fileMode(link);
  close(link);
  if (mode < 0 || (mode & S_IFMT) !== S_IFLNK) return undefined;
  const status = targetStatus(tid);
  if (typeof status === 'number') return status;
  const directory = name === 'self' ? `${status.tgid}` : `${status.tgid}/task/${tid}`;
  return openPath(current, terminated(Buffer.from(directory)));
}

function checkKind(descriptor: number, flags: number): number {
  if (descriptor < 0 || (flags & O_DIRECTORY) === 0) return descriptor;
  const mode = fileMode(descriptor);
  if (mode >= 0 && (mode & S_IFMT) === S_IFDIR) return descriptor;
  close(descriptor);
  return mode < 0 ? mode : -Errno.ENOTDIR;
}

/** The text of an ordinary link, or, for a magic one (proc(5)), what it leads to, opened. */
function followLink(
  tid: number,
  members: Members,
  current: number,
  link: number,
  component: Uint8Array,
): Buffer | number {
  if (fileSystemType(link) === PROC_SUPER_MAGIC) {
    const name = terminated(component);
    const ask = (): number => openat2(current, name, O_PATH, 0, RESOLVE_NO_MAGICLINKS);
    const first = ask();
    const probe = first === -Errno.EACCES && isOwnDirectory(tid, current) ? looking(ask) : first;
    if (probe >= 0) close(probe);
    if (probe === -Errno.ELOOP) return openMagic(tid, members, current, name);
  }
  const text = readLink(link, NO_BYTES);
  if (typeof text !== 'number' && text.length === 0) return -Errno.ENOENT;
  return text;
}

function openMagic(tid: number, members: Members, directory: number, name: Buffer): number {
  if (!isOfSandbox(tid, members, directory)) return -Errno.EACCES;
  const found = openPath(directory, name);
  const isClosed = found === -Errno.EACCES && isOwnDirectory(tid, directory);
  return isClosed ? looking(() => openPath(directory, name)) : found;
}

/** Where the magic links of a process or thread lie: /proc/PID, /proc/PID/fd, /proc/PID/task/TID/ns and so on. */
const PROCESS_DIRECTORY = /\/(\d+)(?:\/task\/(\d+))?(?:\/(?:fd|ns|map_files))?$/;

/**
 * Whether the magic links in a directory of /proc are those of a process of the sandbox. The kernel would ask whether
 * the target may trace that process; we may look into many more, ourselves above all.
 */
function isOfSandbox(tid: number, members: Members, directory: number): boolean {
  const owner = ownerOf(directory);
  if (owner === undefined) return false;
  return isProcessOf(tid, owner) || (members.has(owner) && hasOurView(owner));
}

/** Whether a directory of /proc is the caller's own process's, or its thread's. */
function isOwnDirectory(tid: number, directory: number): boolean {
  if (fileSystemType(directory) !== PROC_SUPER_MAGIC) return false;
  const owner = ownerOf(directory);
  return owner !== undefined && isProcessOf(tid, owner);
}

/** The process that a directory of /proc is about. */
function ownerOf(directory: number): number | undefined {
  const path = pathOfDescriptor(directory);
  const match = typeof path === 'number' ? null : PROCESS_DIRECTORY.exec(path.toString('latin1'));
  const number = match?.[2] ?? match?.[1];
  const owner = number === undefined ? -1 : targetStatus(Number(number));
  return typeof owner === 'number' ? undefined : owner.tgid;
}

function isProcessOf(tid: number, process: number): boolean {
  const caller = targetStatus(tid);
  return typeof caller !== 'number' && caller.tgid === process;
}
