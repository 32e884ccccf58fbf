/** Calls that make or remove one name: mkdir, mknod, symlink, unlink, rmdir, in path and *at form. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  PATH_MAX,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../linux/files.ts';
import { fileClock } from '../../linux/statx.ts';
import { close, mkdirat, mknodat, symlinkat, unlinkat } from '../../linux/libc.ts';
import {
  forgetBacking,
  isShared,
  judgeEntry,
  judgeLink,
  judgeNode,
  judgeRemoval,
  unelevated,
} from '../../judge/files.ts';
import type { Verdict } from '../../judge/verdict.ts';
import type { Operation } from '../../report/event.ts';
import { allowed, refused, trustedStatus, untrusted } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import type { NoName } from '../target/path-text.ts';
import { resolveEntry } from '../target/resolve.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import { arena, readPath } from '../target/target.ts';
import { underUmask } from '../target/umask.ts';
import { entryError, entryType, isFilled, missingError } from './errors.ts';

const path = arena(PATH_MAX);
const text = arena(PATH_MAX);

export const mkdir: FileHandler = (referral, context) =>
  makeDirectory(referral, context, AT_FDCWD, referral.pointer(0), referral.uint(1));
export const mkdirAt: FileHandler = (referral, context) =>
  makeDirectory(referral, context, referral.int(0), referral.pointer(1), referral.uint(2));
export const mknod: FileHandler = (referral, context) => makeNode(referral, context, AT_FDCWD, 0);
export const mknodAt: FileHandler = (referral, context) => makeNode(referral, context, referral.int(0), 1);
export const symlink: FileHandler = (referral, context) =>
  makeLink(referral, context, AT_FDCWD, referral.pointer(1));
export const symlinkAt: FileHandler = (referral, context) =>
  makeLink(referral, context, referral.int(1), referral.pointer(2));
export const unlink: FileHandler = (referral, context) =>
  removeFile(referral, context, AT_FDCWD, referral.pointer(0));
export const rmdir: FileHandler = (referral, context) =>
  removeDirectory(referral, context, AT_FDCWD, referral.pointer(0));
export const unlinkAt: FileHandler = (referral, context) => {
  const flags = referral.int(2);
  if ((flags & ~AT_REMOVEDIR) !== 0) return fail(Errno.EINVAL);
  const remove = flags === 0 ? removeFile : removeDirectory;
  return remove(referral, context, referral.int(0), referral.pointer(1));
};

const LINK = { entry: 'link' } as const;

/** One call on one name, as data. */
interface EntryCall {
  readonly operation: Operation;
  readonly judge: (entry: ResolvedEntry) => Verdict;
  /** Where the path ends in no name. */
  readonly noName: (last: NoName['last']) => number;
  /** The error that the kernel would give before it changed anything. */
  readonly error: (entry: ResolvedEntry) => number | undefined;
  /** Result of our own call, in the entry's open directory. */
  readonly perform: (entry: ResolvedEntry, umask: number) => number;
  /** The type of file that is made (S_IFMT). */
  readonly makes?: number;
  /** What stood there is gone afterwards. */
  readonly removes: boolean;
  /** Below an allowed directory it is always allowed. */
  readonly quick: boolean;
}

function handleEntry(
  referral: Referral,
  context: FileContext,
  directory: number,
  address: number,
  call: EntryCall,
): Reply {
  const length = readPath(referral.tid, address, path);
  if (length < 0) return fail(-length);
  if (call.quick && context.quickNames?.isBelow(referral.tid, directory, path, length, false)) {
    // Nothing was done yet, and the kernel knows itself whether this call still waits for an answer.
    return CONTINUE_CALL;
  }
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  const entry = resolveEntry(referral.tid, context.members, directory, path.bytes.subarray(0, length));
  if (entry.kind === 'error') return fail(entry.errno);
  if (entry.kind === 'no-name') return fail(call.noName(entry.last));
  const reply = answerEntry(referral, context, entry, call);
  close(entry.directory);
  return reply;
}

function answerEntry(referral: Referral, context: FileContext, entry: ResolvedEntry, call: EntryCall): Reply {
  const verdict = call.judge(entry);
  const reported = { kind: 'path', path: entry.path, ...(call.makes === S_IFLNK && LINK) } as const;
  switch (verdict.kind) {
    case 'continue':
      return allowed(referral, context, call.operation, reported, CONTINUE_CALL);
    case 'perform': {
      // The kernel would look at slashes behind the name; we call with the bare name.
      const slashError = entry.trailingSlash ? call.error(entry) : undefined;
      if (slashError !== undefined) return fail(slashError);
      const status = trustedStatus(referral, context);
      if (status === undefined) return untrusted(referral, context, call.operation, reported);
      const before = fileClock();
      const result = call.perform(entry, status.umask);
      if (result >= 0 && call.makes !== undefined && isShared(context.files, entry))
        context.made.addEntry(entry, before, call.makes);
      if (result >= 0 && call.removes) forgetBacking(context.files, entry.path);
      return allowed(referral, context, call.operation, reported, resultReply(result));
    }
    case 'refuse': {
      const errno = call.error(entry);
      return errno === undefined
        ? refused(referral, context, call.operation, reported, verdict.rule)
        : fail(errno);
    }
  }
}

function makeDirectory(
  referral: Referral,
  context: FileContext,
  directory: number,
  address: number,
  mode: number,
): Reply {
  return handleEntry(referral, context, directory, address, {
    operation: 'create',
    judge: (entry) => judgeEntry(context.files, entry),
    noName: () => Errno.EEXIST,
    error: (entry) => (entryType(entry) === undefined ? entryError(entry) : Errno.EEXIST),
    perform: (entry, mask) => underUmask(mask, () => mkdirat(entry.directory, entry.name, mode)),
    makes: S_IFDIR,
    removes: false,
    quick: true,
  });
}

/** Making something that is no directory: a slash behind a name that does not exist is ENOENT. */
function newNameError(entry: ResolvedEntry): number | undefined {
  if (entryType(entry) !== undefined) return Errno.EEXIST;
  return entry.trailingSlash ? Errno.ENOENT : entryError(entry);
}

const NODE_TYPES = new Set([0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK]);

function makeNode(referral: Referral, context: FileContext, directory: number, pathIndex: number): Reply {
  // umode_t has 16 bits.
  const mode = referral.uint(pathIndex + 1) & 0xffff;
  const device = referral.uint(pathIndex + 2);
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return fail(Errno.EPERM);
  if (!NODE_TYPES.has(type)) return fail(Errno.EINVAL);
  return handleEntry(referral, context, directory, referral.pointer(pathIndex), {
    operation: 'create',
    judge: (entry) => judgeNode(context.files, entry, type === S_IFCHR || type === S_IFBLK),
    noName: () => Errno.EEXIST,
    error: newNameError,
    perform: (entry, mask) =>
      underUmask(mask, () =>
        mknodat(entry.directory, entry.name, unelevated(context.files, entry, mode), device),
      ),
    makes: type === 0 ? S_IFREG : type,
    removes: false,
    quick: type !== S_IFCHR && type !== S_IFBLK,
  });
}

function makeLink(referral: Referral, context: FileContext, directory: number, address: number): Reply {
  const length = readPath(referral.tid, referral.pointer(0), text);
  if (length < 0) return fail(-length);
  if (length === 0) return fail(Errno.ENOENT);
  const target = text.bytes.subarray(0, length + 1);
  return handleEntry(referral, context, directory, address, {
    operation: 'create',
    judge: (entry) => judgeLink(context.files, entry),
    noName: () => Errno.EEXIST,
    error: newNameError,
    perform: (entry) => symlinkat(target, entry.directory, entry.name),
    makes: S_IFLNK,
    removes: false,
    quick: true,
  });
}

function removeFile(referral: Referral, context: FileContext, directory: number, address: number): Reply {
  return handleEntry(referral, context, directory, address, {
    operation: 'remove',
    judge: (entry) => judgeRemoval(context.files, entry),
    noName: () => Errno.EISDIR,
    error: (entry) => {
      const type = entryType(entry);
      if (type === undefined) return missingError(entry);
      if (entry.trailingSlash) return type === S_IFDIR ? Errno.EISDIR : Errno.ENOTDIR;
      return entryError(entry) ?? (type === S_IFDIR ? Errno.EISDIR : undefined);
    },
    perform: (entry) => unlinkat(entry.directory, entry.name, 0),
    removes: true,
    quick: true,
  });
}

function removeDirectory(
  referral: Referral,
  context: FileContext,
  directory: number,
  address: number,
): Reply {
  return handleEntry(referral, context, directory, address, {
    operation: 'remove',
    judge: (entry) => judgeRemoval(context.files, entry),
    noName: (last) => NO_DIRECTORY_TO_REMOVE[last],
    error: (entry) => {
      const type = entryType(entry);
      if (type === undefined) return missingError(entry);
      const access = entryError(entry);
      if (access !== undefined) return access;
      if (type !== S_IFDIR) return Errno.ENOTDIR;
      return isFilled(entry) ? Errno.ENOTEMPTY : undefined;
    },
    perform: (entry) => unlinkat(entry.directory, entry.name, AT_REMOVEDIR),
    removes: true,
    quick: true,
  });
}

const NO_DIRECTORY_TO_REMOVE = { dot: Errno.EINVAL, dotdot: Errno.ENOTEMPTY, root: Errno.EBUSY } as const;
