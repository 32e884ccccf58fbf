/** Calls with two names, of which both must be allowed, and rename(2) in all its forms; link(2) is in link.ts. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_NOFOLLOW,
  PATH_MAX,
  S_IFDIR,
  S_IFLNK,
  fstat,
  openPath,
  type FileStatus,
} from '../../linux/files.ts';
import { close, renameat2, unlinkat } from '../../linux/libc.ts';
import { forgetBacking, isAllowedPath, isShared, judgeLink } from '../../judge/files.ts';
import { judgeRename, rulesForTwo } from '../../judge/two-places.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import type { Place } from '../../judge/place.ts';
import type { FileContext, FileHandler } from './context.ts';
import type { MadeFiles } from './made-files.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveEntry } from '../target/resolve.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import { arena, readPath } from '../target/target.ts';
import { entryError, entryType, isFilled, missingError } from './errors.ts';

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const RENAME_WHITEOUT = 4;

export const LINK = { entry: 'link' } as const;

const oldPath = arena(PATH_MAX);
const newPath = arena(PATH_MAX);

export const rename: FileHandler = (referral, context) =>
  renameWith(referral, context, { from: AT_FDCWD, fromPath: 0, to: AT_FDCWD, toPath: 1, flags: 0 });
export const renameAt: FileHandler = (referral, context) =>
  renameWith(referral, context, {
    from: referral.int(0),
    fromPath: 1,
    to: referral.int(2),
    toPath: 3,
    flags: 0,
  });
export const renameAt2: FileHandler = (referral, context) =>
  renameWith(referral, context, {
    from: referral.int(0),
    fromPath: 1,
    to: referral.int(2),
    toPath: 3,
    flags: referral.uint(4),
  });

export interface TwoNames {
  readonly from: number;
  /** Index of the argument that holds the path's address. */
  readonly fromPath: number;
  readonly to: number;
  readonly toPath: number;
  readonly flags: number;
}

/** Reads both paths; 0, or the errno. */
export function readPaths(referral: Referral, call: TwoNames): { from: Buffer; to: Buffer } | number {
  const fromLength = readPath(referral.tid, referral.pointer(call.fromPath), oldPath);
  if (fromLength < 0) return -fromLength;
  const toLength = readPath(referral.tid, referral.pointer(call.toPath), newPath);
  if (toLength < 0) return -toLength;
  if (!referral.isCurrent()) return Errno.ESRCH;
  return { from: oldPath.bytes.subarray(0, fromLength), to: newPath.bytes.subarray(0, toLength) };
}

/** Both names are below allowed directories that Landlock backs. */
export function areBelow(
  { tid }: Referral,
  { quickNames: quick }: FileContext,
  call: TwoNames,
  paths: { readonly from: Buffer; readonly to: Buffer },
  follow: boolean,
): boolean {
  return (
    quick !== undefined &&
    quick.isBelow(tid, call.from, oldPath, paths.from.length, follow) &&
    quick.isBelow(tid, call.to, newPath, paths.to.length, false)
  );
}

function renameWith(referral: Referral, context: FileContext, call: TwoNames): Reply {
  const { flags } = call;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return fail(Errno.EINVAL);
  if (exchange && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) return fail(Errno.EINVAL);
  const paths = readPaths(referral, call);
  if (typeof paths === 'number') return fail(paths);
  if (areBelow(referral, context, call, paths, false)) return CONTINUE_CALL;
  const from = resolveEntry(referral.tid, context.members, call.from, paths.from);
  if (from.kind === 'error') return fail(from.errno);
  const to = resolveEntry(referral.tid, context.members, call.to, paths.to);
  const reply = renameEntries(referral, context, flags, from, to);
  if (from.kind === 'entry') close(from.directory);
  if (to.kind === 'entry') close(to.directory);
  return reply;
}

function renameEntries(
  referral: Referral,
  general: FileContext,
  flags: number,
  from: Exclude<ReturnType<typeof resolveEntry>, { kind: 'error' }>,
  to: ReturnType<typeof resolveEntry>,
): Reply {
  if (to.kind === 'error') return fail(to.errno);
  if (from.kind === 'no-name') return fail(Errno.EBUSY);
  if (to.kind === 'no-name') return fail((flags & RENAME_NOREPLACE) !== 0 ? Errno.EEXIST : Errno.EBUSY);
  const context = contextForTwo(general, from, to);
  const verdict = judgeRename(context.files, from, to, (flags & RENAME_EXCHANGE) !== 0);
  const isTold = verdict.kind === 'refuse' || context.reporter.wantsAllowed;
  const moved = (flags & RENAME_EXCHANGE) !== 0 ? [from, to] : [from];
  const makesLink = isTold && moved.some((entry) => entryType(entry) === S_IFLNK);
  const reported = { kind: 'paths', from: from.path, to: to.path, ...(makesLink && LINK) } as const;
  switch (verdict.kind) {
    case 'continue':
      return allowed(referral, context, 'rename', reported, CONTINUE_CALL);
    case 'perform': {
      const slashError = from.trailingSlash || to.trailingSlash ? renameError(from, to, flags) : undefined;
      if (slashError !== undefined) return fail(slashError);
      if (!isTrusted(referral, context)) return untrusted(referral, context, 'rename', reported);
      const link = linkMade(context, flags, from, to);
      if (link !== undefined) return refused(referral, context, 'rename', reported, link);
      const crossing = crossesOver(context, flags, from, to);
      if (crossing) return fail(Errno.EXDEV);
      const result = moveEntry(context, flags, from, to);
      if (result >= 0) removeLinks(context, [from, to]);
      if (result >= 0) {
        forgetBacking(general.files, from.path);
        forgetBacking(general.files, to.path);
      }
      return allowed(referral, context, 'rename', reported, resultReply(result));
    }
    case 'refuse': {
      const errno = renameError(from, to, flags);
      return errno === undefined ? refused(referral, context, 'rename', reported, verdict.rule) : fail(errno);
    }
  }
}

/** The context of a call that names two places. */
export function contextForTwo(context: FileContext, from: Place, to: Place): FileContext {
  const files = rulesForTwo(context.files, from, to);
  return files === context.files ? context : { ...context, files };
}

/**
 * A directory that is moved between an allowed tree and one that is shared with others: what lies in it would belong to the sandbox
 * here and to others there. Callers know what to do where file systems end, too.
 */
function crossesOver({ files }: FileContext, flags: number, from: ResolvedEntry, to: ResolvedEntry): boolean {
  if (isShared(files, from) === isShared(files, to)) return false;
  return entryType(from) === S_IFDIR || ((flags & RENAME_EXCHANGE) !== 0 && entryType(to) === S_IFDIR);
}

/**
 * In a shared directory nothing is replaced that has come since, and what is moved there is the sandbox's own as before. What somebody
 * else has put in the place of its own meanwhile is put back.
 */
function moveEntry(
  { files, made }: FileContext,
  flags: number,
  from: ResolvedEntry,
  to: ResolvedEntry,
): number {
  const exchanges = (flags & RENAME_EXCHANGE) !== 0;
  const comes = isShared(files, to) && !isShared(files, from);
  const goes = exchanges && isShared(files, from) && !isShared(files, to);
  const moved = comes
    ? openPath(from.directory, from.name, O_NOFOLLOW)
    : goes
      ? openPath(to.directory, to.name, O_NOFOLLOW)
      : -1;
  const keeps = isShared(files, to) && !exchanges && entryType(to) === undefined;
  const own = keeps ? flags | RENAME_NOREPLACE : flags;
  const result = renameat2(from.directory, from.name, to.directory, to.name, own);
  const isOthers = (): boolean =>
    (isShared(files, from) && isOfOthers(made, to)) ||
    (exchanges && isShared(files, to) && isOfOthers(made, from));
  if (result >= 0 && isOthers()) {
    const back = exchanges ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    renameat2(to.directory, to.name, from.directory, from.name, back);
    if (moved >= 0) close(moved);
    return -Errno.EPERM;
  }
  if (moved >= 0) {
    if (result >= 0) made.add(moved);
    close(moved);
  }
  return result === -Errno.EEXIST && own !== flags ? -Errno.EPERM : result;
}

/** The rule that refuses a rename by which an allowed path itself would become a symbolic link. */
function linkMade(
  context: FileContext,
  flags: number,
  from: ResolvedEntry,
  to: ResolvedEntry,
): string | undefined {
  const moves: [source: ResolvedEntry, target: ResolvedEntry][] = [[from, to]];
  if ((flags & RENAME_EXCHANGE) !== 0) moves.push([to, from]);
  for (const [source, target] of moves) {
    if (!isAllowedPath(context.files, target.path) || entryType(source) !== S_IFLNK) continue;
    const verdict = judgeLink(context.files, target);
    if (verdict.kind === 'refuse') return verdict.rule;
  }
  return undefined;
}

/** True where something stands under a name that the sandbox did not make. */
function isOfOthers(made: MadeFiles, entry: ResolvedEntry): boolean {
  const found = openPath(entry.directory, entry.name, O_NOFOLLOW);
  if (found < 0) return false;
  const isOwn = made.has(found);
  close(found);
  return !isOwn;
}

/** What was a file when we looked may have been a link when it was renamed: then it does not stay. */
function removeLinks(context: FileContext, entries: readonly ResolvedEntry[]): void {
  for (const entry of entries) {
    if (isAllowedPath(context.files, entry.path) && entryType(entry) === S_IFLNK)
      unlinkat(entry.directory, entry.name, 0);
  }
}

/** In the order of the kernel's do_renameat2 and vfs_rename (rename(2) names them all). */
function renameError(from: ResolvedEntry, to: ResolvedEntry, flags: number): number | undefined {
  const source = statusOf(from.directory);
  const target = statusOf(to.directory);
  if (source !== undefined && target !== undefined && source.device !== target.device) return Errno.EXDEV;
  const fromType = entryType(from);
  const toType = entryType(to);
  if (fromType === undefined) return missingError(from);
  if ((flags & RENAME_NOREPLACE) !== 0 && toType !== undefined) return Errno.EEXIST;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (exchange && toType === undefined) return missingError(to);
  if (fromType !== S_IFDIR && (from.trailingSlash || (!exchange && to.trailingSlash))) return Errno.ENOTDIR;
  if (isInside(to.path, from.path)) return Errno.EINVAL;
  if (isInside(from.path, to.path)) return exchange ? Errno.EINVAL : Errno.ENOTEMPTY;
  const access = entryError(from) ?? entryError(to);
  if (access !== undefined || toType === undefined || exchange) return access;
  if (fromType === S_IFDIR && toType !== S_IFDIR) return Errno.ENOTDIR;
  if (fromType !== S_IFDIR && toType === S_IFDIR) return Errno.EISDIR;
  return toType === S_IFDIR && isFilled(to) ? Errno.ENOTEMPTY : undefined;
}

export function statusOf(descriptor: number): FileStatus | undefined {
  const status = fstat(descriptor);
  return typeof status === 'number' ? undefined : status;
}

function isInside(path: Buffer, directory: Buffer): boolean {
  return (
    path.length > directory.length &&
    path[directory.length] === 0x2f &&
    path.subarray(0, directory.length).equals(directory)
  );
}
