/**
 * Calls that change what is known of a file and not what is in it: mode, owner, times, extended attributes, flags.
 * Landlock does not cover them, so each is performed on the object that was judged (an O_PATH descriptor), with values
 * that were copied once. Descriptor forms work on read-only descriptors too and are judged by what they refer to.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  F_GETFL,
  PATH_MAX,
  W_OK,
  fstat,
  S_IFMT,
  S_IFDIR,
  fileMode,
} from '../../linux/files.ts';
import { close, fcntl } from '../../linux/libc.ts';
import { isShared, OWN_TERMINAL, judgeMetadata } from '../../judge/files.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import type { FileContext, FileHandler } from './context.ts';
import { copyOfThread } from '../target/descriptor.ts';
import type { Members } from '../target/members.ts';
import { SUCCESS, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import { objectOf, type ResolvedObject } from '../target/resolved.ts';
import { openTargetDescriptor } from '../target/start.ts';
import { arena, isPathOnly, openError, readPath } from '../target/target.ts';
import {
  NO_CHANGE,
  modeChange,
  ownerChange,
  readAttribute,
  readAttributeArguments,
  readAttributeName,
  readFileAttributes,
  readTimes,
  readTimevals,
  readUtimbuf,
  type Change,
} from './change.ts';
import { accessError } from './errors.ts';
import { isAnonymousMemory } from './memory-file.ts';
import { OpenObject } from './object.ts';

const path = arena(PATH_MAX);

/** What a call works on. */
type Subject =
  | { readonly kind: 'path'; readonly directory: number; readonly address: number; readonly follow: boolean }
  /** The *at form with AT_EMPTY_PATH: an empty path (or NULL) means the descriptor, O_PATH ones too. */
  | {
      readonly kind: 'path-or-descriptor';
      readonly directory: number;
      readonly address: number;
      readonly follow: boolean;
      /** The descriptor must be really open, as for the f… form. */
      readonly open?: boolean;
    }
  /** The f… form: a descriptor that is really open. */
  | { readonly kind: 'descriptor'; readonly descriptor: number };

function byPath(referral: Referral, index: number, follow = true): Subject {
  return { kind: 'path', directory: AT_FDCWD, address: referral.pointer(index), follow };
}

function byDescriptor(referral: Referral): Subject {
  return { kind: 'descriptor', descriptor: referral.int(0) };
}

/** dirfd, path, flags: the flags must be among those that the call knows. */
function byFlags(referral: Referral, flags: number, open = false): Subject | undefined {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return undefined;
  return {
    kind: (flags & AT_EMPTY_PATH) === 0 ? 'path' : 'path-or-descriptor',
    directory: referral.int(0),
    address: referral.pointer(1),
    follow: (flags & AT_SYMLINK_NOFOLLOW) === 0,
    open,
  };
}

export const chmod: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), modeChange(referral.uint(1)));
export const fchmod: FileHandler = (referral, context) =>
  change(referral, context, byDescriptor(referral), modeChange(referral.uint(1)));
export const fchmodAt: FileHandler = (referral, context) =>
  change(referral, context, byFlags(referral, 0), modeChange(referral.uint(2)));
export const fchmodAt2: FileHandler = (referral, context) =>
  change(referral, context, byFlags(referral, referral.int(3)), modeChange(referral.uint(2)));

export const chown: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), ownerChange(referral.uint(1), referral.uint(2)));
export const lchown: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0, false), ownerChange(referral.uint(1), referral.uint(2)));
export const fchown: FileHandler = (referral, context) =>
  change(referral, context, byDescriptor(referral), ownerChange(referral.uint(1), referral.uint(2)));
export const fchownAt: FileHandler = (referral, context) =>
  change(
    referral,
    context,
    byFlags(referral, referral.int(4)),
    ownerChange(referral.uint(2), referral.uint(3)),
  );

export const utime: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), readUtimbuf(referral, 1));
export const utimes: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), readTimevals(referral, 1));
export const futimesAt: FileHandler = (referral, context) =>
  change(referral, context, timesSubject(referral, 0), readTimevals(referral, 2));
export const utimensAt: FileHandler = (referral, context) =>
  change(referral, context, timesSubject(referral, referral.int(3)), readTimes(referral, 2));

/** utimensat(2) and futimesat(2) take NULL for "the descriptor", without flags, and AT_EMPTY_PATH only with a path. */
function timesSubject(referral: Referral, flags: number): Subject | undefined {
  if (referral.pointer(1) !== 0) return byFlags(referral, flags);
  if (referral.int(0) !== AT_FDCWD) return flags === 0 ? byDescriptor(referral) : undefined;
  return byFlags(referral, flags) && byPath(referral, 1);
}

export const setxattr: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), readAttribute(referral));
export const lsetxattr: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0, false), readAttribute(referral));
export const fsetxattr: FileHandler = (referral, context) =>
  change(referral, context, byDescriptor(referral), readAttribute(referral));
export const setxattrAt: FileHandler = (referral, context) =>
  change(referral, context, byFlags(referral, referral.int(2), true), readAttributeArguments(referral));
export const removexattr: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0), readAttributeName(referral, 1));
export const lremovexattr: FileHandler = (referral, context) =>
  change(referral, context, byPath(referral, 0, false), readAttributeName(referral, 1));
export const fremovexattr: FileHandler = (referral, context) =>
  change(referral, context, byDescriptor(referral), readAttributeName(referral, 1));
export const removexattrAt: FileHandler = (referral, context) =>
  change(referral, context, byFlags(referral, referral.int(2), true), readAttributeName(referral, 3));
export const fileSetattr: FileHandler = (referral, context) =>
  change(referral, context, byFlags(referral, referral.int(4), true), readFileAttributes(referral));

/**
 * Judges a change and performs it.
 * @param subject undefined: the flags were wrong (EINVAL)
 * @param what the change, or the errno of reading its values
 */
export function change(
  referral: Referral,
  context: FileContext,
  subject: Subject | undefined,
  what: Change | number,
): Reply {
  if (subject === undefined) return fail(Errno.EINVAL);
  if (typeof what === 'number') return fail(what);
  if (what === NO_CHANGE) return SUCCESS;
  const object = openSubject(referral, context, subject);
  if (object.kind === 'error') return fail(object.errno);
  const reply = changeObject(referral, context, object, what);
  close(object.descriptor);
  return reply;
}

function openSubject(
  referral: Referral,
  { members }: FileContext,
  subject: Subject,
): ReturnType<typeof resolveObject> {
  const { tid } = referral;
  if (subject.kind === 'descriptor') return openReally(tid, members, subject.descriptor);
  const mayBeEmpty = subject.kind === 'path-or-descriptor';
  const openEmpty = (): ReturnType<typeof resolveObject> =>
    mayBeEmpty && subject.open === true && subject.directory !== AT_FDCWD
      ? openReally(tid, members, subject.directory)
      : openDescriptor(tid, members, subject.directory);
  if (mayBeEmpty && subject.address === 0) return openEmpty();
  const length = readPath(tid, subject.address, path);
  if (length < 0) return { kind: 'error', errno: -length };
  if (length === 0 && mayBeEmpty) return openEmpty();
  return resolveObject(tid, members, subject.directory, path.bytes.subarray(0, length), subject.follow);
}

/** What a descriptor is open for, if for more than a place: a copy of it tells at once, where such a copy can be had. */
function openReally(tid: number, members: Members, descriptor: number): ReturnType<typeof resolveObject> {
  const copy = copyOfThread(tid, descriptor);
  if (copy < 0) {
    const error = openError(tid, descriptor);
    return error < 0 ? { kind: 'error', errno: -error } : openDescriptor(tid, members, descriptor);
  }
  if (!isPathOnly(fcntl(copy, F_GETFL, 0))) return objectOf(copy);
  close(copy);
  return { kind: 'error', errno: Errno.EBADF };
}

function openDescriptor(tid: number, members: Members, descriptor: number): ReturnType<typeof resolveObject> {
  if (descriptor === AT_FDCWD) return resolveObject(tid, members, AT_FDCWD, Buffer.from('.'), true);
  const own = openTargetDescriptor(tid, descriptor);
  return own < 0 ? { kind: 'error', errno: -own } : objectOf(own);
}

function changeObject(referral: Referral, context: FileContext, object: ResolvedObject, what: Change): Reply {
  const verdict = judgeMetadata(context.files, object);
  const reported = { kind: 'path', path: object.path } as const;
  const terminal = verdict.kind === 'refuse' ? ownTerminal(object, context) : undefined;
  if (verdict.kind === 'refuse' && terminal === undefined && !isAnonymousMemory(object)) {
    if (!referral.isCurrent()) return fail(Errno.ESRCH);
    const errno = changeError(object, what, context);
    return errno === undefined ? refused(referral, context, 'change', reported, verdict.rule) : fail(errno);
  }
  if (what.elevates === true && isShared(context.files, object) && !isDirectory(object))
    return refused(referral, context, 'change', reported, ELEVATED);
  // This also asks whether all that was read is the caller's.
  if (!isTrusted(referral, context)) return untrusted(referral, context, 'change', reported);
  const reply = resultReply(what.perform(terminal ?? object.descriptor));
  return allowed(
    referral,
    context,
    'change',
    reported,
    reply,
    terminal === undefined ? undefined : OWN_TERMINAL,
  );
}

/** Whoever finds the program in a directory of everybody's would have its owner's rights. */
const ELEVATED = "no program with its owner's rights is left where others come";

function isDirectory({ descriptor }: ResolvedObject): boolean {
  return (fileMode(descriptor) & S_IFMT) === S_IFDIR;
}

/** grantpt(3), login(1) and terminals of every kind give a slave owner and mode. */
function ownTerminal(object: ResolvedObject, context: FileContext): number | undefined {
  const { descriptor, path: name } = object;
  return context.pseudoTerminals.find(new OpenObject(descriptor, name, context.members));
}

/** Setting times to now wants only write access, and EACCES says so; all else wants the owner, and EPERM says so. */
function changeError(object: ResolvedObject, what: Change, context: FileContext): number | undefined {
  if (what.invalid !== undefined) return what.invalid;
  const now = what.now === true;
  const status = fstat(object.descriptor);
  if (typeof status === 'number') return -status;
  const isOwner = status.owner === context.userId;
  return accessError(object.descriptor, now && !isOwner ? W_OK : 0);
}
