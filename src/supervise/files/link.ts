/** link(2) in all its forms: a second name for a file. Both ends must be allowed. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  S_IFLNK,
  S_IFMT,
  fileMode,
  terminated,
} from '../../linux/files.ts';
import { close, linkat } from '../../linux/libc.ts';
import { isShared, judgeEntry, judgeLink } from '../../judge/files.ts';
import { judgeSecondName } from '../../judge/two-places.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import type { ReportedObject } from '../../report/event.ts';
import { emptyPathNeedsCapability } from '../older-kernels.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveEntry, resolveObject } from '../target/resolve.ts';
import { objectOf, type ResolvedEntry, type ResolvedObject } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { entryError, entryType } from './errors.ts';
import { areBelow, contextForTwo, LINK, readPaths, statusOf, type TwoNames } from './two-names.ts';

export const link: FileHandler = (referral, context) =>
  linkWith(referral, context, { from: AT_FDCWD, fromPath: 0, to: AT_FDCWD, toPath: 1, flags: 0 });
export const linkAt: FileHandler = (referral, context) =>
  linkWith(referral, context, {
    from: referral.int(0),
    fromPath: 1,
    to: referral.int(2),
    toPath: 3,
    flags: referral.int(4),
  });

function linkWith(referral: Referral, context: FileContext, call: TwoNames): Reply {
  if ((call.flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return fail(Errno.EINVAL);
  const needsCapability = (call.flags & AT_EMPTY_PATH) !== 0 && emptyPathNeedsCapability();
  if (needsCapability && context.userId !== 0) return fail(Errno.ENOENT);
  const paths = readPaths(referral, call);
  if (typeof paths === 'number') return fail(paths);
  // Root has lost the capability to the sandbox, so the call would fail: it is performed.
  if (!needsCapability && areBelow(referral, context, call, paths, (call.flags & AT_SYMLINK_FOLLOW) !== 0))
    return CONTINUE_CALL;
  const source = resolveSource(referral, context, call, paths.from);
  if (source.kind === 'error') return fail(source.errno);
  const entry = resolveEntry(referral.tid, context.members, call.to, paths.to);
  const reply =
    entry.kind === 'entry'
      ? linkObject(referral, context, source, entry, !needsCapability)
      : fail(entry.kind === 'error' ? entry.errno : Errno.EEXIST);
  close(source.descriptor);
  if (entry.kind === 'entry') close(entry.directory);
  return reply;
}

function resolveSource(
  referral: Referral,
  { members }: FileContext,
  call: TwoNames,
  path: Buffer,
): ReturnType<typeof resolveObject> {
  if (path.length > 0 || (call.flags & AT_EMPTY_PATH) === 0) {
    return resolveObject(referral.tid, members, call.from, path, (call.flags & AT_SYMLINK_FOLLOW) !== 0);
  }
  if (call.from === AT_FDCWD) return resolveObject(referral.tid, members, AT_FDCWD, Buffer.from('.'), true);
  const descriptor = openTargetDescriptor(referral.tid, call.from);
  return descriptor < 0 ? { kind: 'error', errno: -descriptor } : objectOf(descriptor);
}

function linkObject(
  referral: Referral,
  general: FileContext,
  source: ResolvedObject,
  entry: ResolvedEntry,
  mayContinue: boolean,
): Reply {
  const context = contextForTwo(general, source, entry);
  const verdict = judgeSecondName(context.files, source, entry);
  const reported = reportedLink(context, source, entry, verdict.kind === 'refuse');
  switch (verdict.kind) {
    case 'continue':
      return mayContinue
        ? allowed(referral, context, 'link', reported, CONTINUE_CALL)
        : performLink(referral, context, source, entry);
    case 'perform':
      return performLink(referral, context, source, entry);
    case 'refuse': {
      const errno = linkError(source, entry);
      if (errno !== undefined) return fail(errno);
      // As between two mounts, which installers copy at (pnpm, uv): only the file lies outside.
      const copies = judgeEntry(context.files, entry).kind !== 'refuse';
      return refused(referral, context, 'link', reported, verdict.rule, copies ? Errno.EXDEV : Errno.EPERM);
    }
  }
}

function reportedLink(
  { reporter }: FileContext,
  source: ResolvedObject,
  entry: ResolvedEntry,
  isRefused = false,
): ReportedObject {
  const isTold = isRefused || reporter.wantsAllowed;
  const makesLink = isTold && (fileMode(source.descriptor) & S_IFMT) === S_IFLNK;
  return { kind: 'paths', from: source.path, to: entry.path, ...(makesLink && LINK) };
}

function performLink(
  referral: Referral,
  context: FileContext,
  source: ResolvedObject,
  entry: ResolvedEntry,
): Reply {
  const reported = reportedLink(context, source, entry);
  if (entry.trailingSlash) return fail(entryType(entry) === undefined ? Errno.ENOENT : Errno.EEXIST);
  if (!isTrusted(referral, context)) return untrusted(referral, context, 'link', reported);
  const mode = fileMode(source.descriptor);
  const link = judgeLink(context.files, entry);
  if (link.kind === 'refuse' && (mode < 0 || (mode & S_IFMT) === S_IFLNK))
    return refused(referral, context, 'link', reported, link.rule);
  const own = terminated(Buffer.from(`/proc/self/fd/${source.descriptor}`));
  const result = linkat(AT_FDCWD, own, entry.directory, entry.name, AT_SYMLINK_FOLLOW);
  if (result >= 0 && isShared(context.files, entry)) context.made.add(source.descriptor);
  return allowed(referral, context, 'link', reported, resultReply(result));
}

function linkError(source: ResolvedObject, entry: ResolvedEntry): number | undefined {
  if (entryType(entry) !== undefined) return Errno.EEXIST;
  if (entry.trailingSlash) return Errno.ENOENT;
  const from = statusOf(source.descriptor);
  const to = statusOf(entry.directory);
  if (from !== undefined && to !== undefined && from.device !== to.device) return Errno.EXDEV;
  return entryError(entry);
}
