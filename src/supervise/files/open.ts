/** open(2), openat(2), creat(2) and openat2(2) that may change something. */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE_BIT,
  O_TRUNC,
  O_WRONLY,
  PATH_MAX,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { judgeCreate, judgeOpen, judgeRead, mayMoveUnseen, type OpenCall } from '../../judge/files.ts';
import { together } from '../../judge/verdict.ts';
import { allowed, refused } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from '../referral.ts';
import { resolve, resolveEntry } from '../target/resolve.ts';
import type { ResolvedEntry } from '../target/resolved.ts';
import { arena, readMemory, readPath } from '../target/target.ts';
import { isControllingTerminal, openControllingTerminal } from './controlling-terminal.ts';
import { entryError, flagsError, lacksNumber, openError } from './errors.ts';
import { truncatesUnwritten } from './landlock-decides.ts';
import { openHeldDescriptor } from './held.ts';
import { foundObject, type OpenObject } from './object.ts';
import { openOwnTerminal } from './own-terminal.ts';
import type { OpenRequest } from './open-request.ts';
import { makeFile, openExisting } from './perform-open.ts';
import { answerPlainly, isPlainRead } from './plain-read.ts';
import { judgeReadingOf, readReported, refuseReading, refusedReading } from './read-open.ts';

const path = arena(PATH_MAX);
const how = arena(4096);
const OPEN_HOW_SIZE = 24;
const PAGE = 4096;
const SLASH = 0x2f;

/** An O_CREAT without O_EXCL whose file comes and goes is tried again this often before we give up. */
const MOST_ATTEMPTS = 16;

const EXCLUSIVE = { entry: 'exclusive' } as const;

export const open: FileHandler = (referral, context) =>
  openWith(referral, context, referral.pointer(0), {
    directory: AT_FDCWD,
    flags: referral.int(1),
    mode: referral.uint(2),
    resolve: 0,
  });

export const creat: FileHandler = (referral, context) =>
  openWith(referral, context, referral.pointer(0), {
    directory: AT_FDCWD,
    flags: O_CREAT | O_WRONLY | O_TRUNC,
    mode: referral.uint(1),
    resolve: 0,
  });

export const openat: FileHandler = (referral, context) =>
  openWith(referral, context, referral.pointer(1), {
    directory: referral.int(0),
    flags: referral.int(2),
    mode: referral.uint(3),
    resolve: 0,
  });

/** openat2(2): its flags lie in memory, so read-only ones come here too. */
export const openat2: FileHandler = (referral, context) => {
  if (context.innerDomains.exist) return fail(Errno.ENOSYS);
  const size = referral.long(3);
  if (size < BigInt(OPEN_HOW_SIZE)) return fail(Errno.EINVAL);
  if (size > BigInt(PAGE)) return fail(Errno.E2BIG);
  const length = Number(size);
  const result = readMemory(referral.tid, referral.pointer(2), how, length);
  if (result < 0) return fail(-result);
  if (how.bytes.subarray(OPEN_HOW_SIZE, length).some((byte) => byte !== 0)) return fail(Errno.E2BIG);
  // No flag lies beyond 32 bits: the kernel refuses what it does not know.
  if (how.bytes.readUInt32LE(4) !== 0 || how.bytes.readUInt32LE(20) !== 0) return fail(Errno.EINVAL);
  return openWith(referral, context, referral.pointer(1), {
    directory: referral.int(0),
    flags: how.bytes.readInt32LE(0),
    mode: how.bytes.readUInt32LE(8),
    resolve: how.bytes.readUInt32LE(16),
    fromMemory: true,
  });
};

function openWith(referral: Referral, context: FileContext, address: number, request: OpenRequest): Reply {
  // O_PATH opens nothing, whatever the other flags say, and registers do not change.
  if ((request.flags & O_PATH) !== 0 && request.fromMemory !== true) return CONTINUE_CALL;
  const length = readPath(referral.tid, address, path);
  if (length < 0) return fail(flagsError(request) ?? -length);
  const follow = followsLink(request.flags);
  const isPlain = request.resolve === 0 && !mayTruncateUnwritten(request);
  if (isPlain && isBacked(referral, context, request, length, follow)) {
    // Nothing was done yet, and the kernel knows itself whether this call still waits for an answer.
    return CONTINUE_CALL;
  }
  // What changes nothing and is told to nobody needs no look at who has asked: the kernel gives a descriptor to nobody else.
  const isShort = isPlainRead(request) && !context.reporter.wantsAllowed;
  if (!isShort && !referral.isCurrent()) return fail(Errno.ESRCH);
  const bytes = path.bytes.subarray(0, length);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const reply = attemptOpen(referral, context, bytes, request);
    if (reply !== 'again') return reply;
  }
  return fail(Errno.EAGAIN);
}

/** Landlock decides again about all that such an open does. */
function isBacked(
  { tid }: Referral,
  { quick, quickReading, files }: FileContext,
  request: OpenRequest,
  length: number,
  follow: boolean,
): boolean {
  const { writes, makesNameless, reads } = openCall(request);
  const changes = writes || makesNameless || (request.flags & O_CREAT) !== 0;
  if (changes && quick?.isBelow(tid, request.directory, path, length, follow) !== true) return false;
  if (!reads || mayMoveUnseen(files))
    return changes || quick?.isBelow(tid, request.directory, path, length, follow) === true;
  return quickReading?.isBelow(tid, request.directory, path, length, follow) === true;
}

function followsLink(flags: number): boolean {
  return (flags & O_NOFOLLOW) === 0 && (flags & (O_CREAT | O_EXCL)) !== (O_CREAT | O_EXCL);
}

/** 'again': what was missing has appeared meanwhile. */
function attemptOpen(
  referral: Referral,
  context: FileContext,
  bytes: Uint8Array,
  request: OpenRequest,
): Reply | 'again' {
  const follow = followsLink(request.flags);
  const resolution = resolve(
    referral.tid,
    context.members,
    request.directory,
    bytes,
    follow,
    request.resolve,
  );
  if (isPlainRead(request)) {
    const plain = answerPlainly(referral, context, request, resolution);
    if (plain !== undefined) return plain;
  }
  switch (resolution.kind) {
    case 'error':
      return fail(
        flagsError(request) ??
          (lacksNumber(referral, bytes)
            ? Errno.EMFILE
            : pathError(referral, context, bytes, request, resolution.errno)),
      );
    case 'object':
      return openObject(referral, context, bytes, request, foundObject(resolution, context.members));
    case 'entry':
      return openEntry(referral, context, bytes, request, resolution);
  }
}

/** With O_CREAT a slash behind the name is EISDIR as soon as the directory before it is found. */
function pathError(
  referral: Referral,
  context: FileContext,
  bytes: Uint8Array,
  request: OpenRequest,
  errno: number,
): number {
  const creates = (request.flags & O_CREAT) !== 0;
  if (errno !== Errno.ENOTDIR || !creates || bytes[bytes.length - 1] !== SLASH) return errno;
  const entry = resolveEntry(referral.tid, context.members, request.directory, bytes);
  if (entry.kind !== 'entry') return errno;
  close(entry.directory);
  return Errno.EISDIR;
}

function openCall(request: OpenRequest): OpenCall {
  const { flags } = request;
  return {
    reads: (flags & O_PATH) === 0 && (flags & O_ACCMODE) !== O_WRONLY,
    writes: (flags & (O_ACCMODE | O_TRUNC)) !== 0,
    makesNameless: (flags & O_TMPFILE_BIT) !== 0,
    truncatesUnwritten: mayTruncateUnwritten(request),
  };
}

/** What lies in memory may say so by the time the kernel reads it. */
function mayTruncateUnwritten({ flags, fromMemory }: OpenRequest): boolean {
  return fromMemory === true || truncatesUnwritten(flags);
}

function openObject(
  referral: Referral,
  context: FileContext,
  bytes: Uint8Array,
  request: OpenRequest,
  object: OpenObject,
): Reply {
  const call = openCall(request);
  const reading = judgeReadingOf(context, call, object);
  if (reading.kind === 'refuse') return refuseReading(referral, context, bytes, request, object, reading);
  const changing = judgeOpen(context.files, call, object);
  const verdict = together([reading, changing]);
  if (verdict.kind !== 'continue' && lacksNumber(referral, bytes)) {
    close(object.descriptor);
    return fail(flagsError(request) ?? Errno.EMFILE);
  }
  if (verdict.kind !== 'continue' && isControllingTerminal(request, object)) {
    return openControllingTerminal(referral, context, request, object);
  }
  const own = openOwnTerminal(referral, context, request, object, verdict);
  if (own !== undefined) return own;
  const reported = { kind: 'path', path: object.path } as const;
  // openat2(2) and O_CREAT come here for reading too, which is no business of a policy about changes.
  const report = (reply: Reply): Reply => {
    if (call.writes || call.makesNameless) return allowed(referral, context, 'write', reported, reply);
    return context.files.reading === undefined || !call.reads
      ? reply
      : readReported(referral, context, object, reply);
  };
  switch (verdict.kind) {
    case 'continue':
      close(object.descriptor);
      return report(CONTINUE_CALL);
    case 'perform':
      return report(openExisting(referral, context, request, object));
    case 'refuse': {
      const held = openHeldDescriptor(referral, bytes, request.flags, object, context);
      if (held !== undefined) {
        close(object.descriptor);
        return allowed(referral, context, 'write', reported, held);
      }
      const errno = flagsError(request) ?? openError(object, request.flags);
      close(object.descriptor);
      return errno === undefined ? refused(referral, context, 'write', reported, verdict.rule) : fail(errno);
    }
  }
}

function openEntry(
  referral: Referral,
  context: FileContext,
  bytes: Uint8Array,
  request: OpenRequest,
  entry: ResolvedEntry,
): Reply | 'again' {
  const creates = (request.flags & O_CREAT) !== 0;
  if (!creates || entry.trailingSlash) {
    close(entry.directory);
    const errno = lacksNumber(referral, bytes) ? Errno.EMFILE : creates ? Errno.EISDIR : Errno.ENOENT;
    return fail(flagsError(request) ?? errno);
  }
  const call = openCall(request);
  const reading = judgeRead(context.files, call, entry);
  const verdict = together([judgeCreate(context.files, call, entry), reading]);
  if (verdict.kind !== 'continue' && lacksNumber(referral, bytes)) {
    close(entry.directory);
    return fail(flagsError(request) ?? Errno.EMFILE);
  }
  const isExclusive = (request.flags & O_EXCL) !== 0;
  const reported = { kind: 'path', path: entry.path, ...(isExclusive && EXCLUSIVE) } as const;
  switch (verdict.kind) {
    case 'continue':
      close(entry.directory);
      return allowed(referral, context, 'create', reported, CONTINUE_CALL);
    case 'perform': {
      const reply = makeFile(referral, context, request, entry);
      return reply === 'again' ? reply : allowed(referral, context, 'create', reported, reply);
    }
    case 'refuse': {
      const errno = flagsError(request) ?? entryError(entry);
      close(entry.directory);
      if (verdict === reading && reading.kind === 'refuse')
        return refusedReading(referral, context, entry, errno, reading);
      return errno === undefined ? refused(referral, context, 'create', reported, verdict.rule) : fail(errno);
    }
  }
}
