/**
 * What the target already holds open for writing may be opened again: `> /dev/stdout`, /dev/fd/N, /proc/self/fd/N. It is
 * the same file with the same right to write, so nothing is gained by it, by those at least who have our own credentials:
 * the kernel asks others whether they may open the file.
 *
 * A pipe has no other name than that of a descriptor. Where only its reading end is held, as of one that was handed in
 * from outside, it is not opened for writing: whoever else reads there would read what the sandbox writes.
 */
import { Errno } from '../../linux/errno.ts';
import {
  F_GETFL,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  fstat,
  linkMode,
} from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { fcntl, readlinkText } from '../../linux/libc.ts';
import { isPipe, mayMoveUnseen } from '../../judge/files.ts';
import { isTrusted, untrusted } from '../context.ts';
import type { FileContext } from './context.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { openNumbers } from '../target/open-numbers.ts';
import { processOf } from '../processes/processes.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from '../referral.ts';
import { isPathOnly } from '../target/target.ts';
import { closeLingering } from '../watch.ts';
import type { OpenObject } from './object.ts';
import { openBehind } from './perform-open.ts';

const DESCRIPTOR_NAME = /(?:^|\/)fd\/(\d{1,9})$/;
const STANDARD_NAMES = new Map([
  ['/dev/stdin', 0],
  ['/dev/stdout', 1],
  ['/dev/stderr', 2],
]);

/** The reply to such an open, or undefined where nothing of the kind is held for writing. */
export function openHeldDescriptor(
  referral: Referral,
  path: Uint8Array,
  flags: number,
  object: OpenObject,
  context: FileContext,
): Reply | undefined {
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return undefined;
  if (isPipe(object.path)) return openPipe(referral, path, flags, object, context);
  return reopenNamed(referral, path, flags, object, context, O_WRONLY);
}

/** The same for an open for reading, of a file whose place may not be read. */
export function reopenHeld(
  referral: Referral,
  path: Uint8Array,
  flags: number,
  object: OpenObject,
  context: FileContext,
): Reply | undefined {
  return (flags & O_CREAT) === 0 ? reopenNamed(referral, path, flags, object, context, flags) : undefined;
}

/** @param wanted the flags of open(2) for which the descriptor that the path names must be open already */
function reopenNamed(
  referral: Referral,
  path: Uint8Array,
  flags: number,
  object: OpenObject,
  context: FileContext,
  wanted: number,
): Reply | undefined {
  const number = descriptorNamed(path);
  const copy = number === undefined ? -1 : copyDescriptor(referral.tid, number);
  if (copy < 0) return undefined;
  const reply =
    isHeldFor(copy, object, wanted) && isTrusted(referral, context)
      ? reopen(referral, context, copy, flags)
      : undefined;
  closeLingering(copy);
  return reply;
}

/** Whether such an open for writing would succeed, whatever the policy says of the file. */
export function isHeld(tid: number, path: Uint8Array, object: OpenObject, context: FileContext): boolean {
  if (isPipe(object.path)) return isHeldBySandbox(tid, path, object, context);
  const number = descriptorNamed(path);
  const copy = number === undefined ? -1 : copyDescriptor(tid, number);
  if (copy < 0) return false;
  const held = isHeldFor(copy, object, O_WRONLY);
  closeLingering(copy);
  return held;
}

function descriptorNamed(path: Uint8Array): number | undefined {
  const text = Buffer.from(path).toString('latin1');
  const match = DESCRIPTOR_NAME.exec(text);
  return match?.[1] === undefined ? STANDARD_NAMES.get(text) : Number(match[1]);
}

/** The access mode 3 opens for neither reading nor writing (open(2), "File access mode"). */
export function isForWriting(flags: number): boolean {
  const mode = flags & O_ACCMODE;
  return mode === O_WRONLY || mode === O_RDWR;
}

/** Whether a descriptor of a file is open for all that it would be opened for anew. */
function isHeldFor(copy: number, object: OpenObject, wanted: number): boolean {
  const flags = fcntl(copy, F_GETFL, 0);
  if (flags < 0 || isPathOnly(flags)) return false;
  const writes = (wanted & O_TRUNC) !== 0 || isForWriting(wanted);
  if (writes && !isForWriting(flags)) return false;
  const mode = flags & O_ACCMODE;
  if ((wanted & O_ACCMODE) !== O_WRONLY && mode !== 0 && mode !== O_RDWR) return false;
  const status = fstat(copy);
  return typeof status !== 'number' && status.device === object.device && status.inode === object.inode;
}

function reopen(referral: Referral, context: FileContext, descriptor: number, flags: number): Reply {
  const own = flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW);
  const reply = openBehind(referral, context.pending, descriptor, own);
  return reply.kind === 'errno' && reply.errno === Errno.ENOENT ? fail(Errno.EPERM) : reply;
}

/** For whom nothing is performed the kernel may go on where Landlock keeps everything else from being opened so. */
function openPipe(
  referral: Referral,
  path: Uint8Array,
  flags: number,
  object: OpenObject,
  context: FileContext,
): Reply | undefined {
  if (!isHeldBySandbox(referral.tid, path, object, context)) return undefined;
  if (isTrusted(referral, context)) return reopen(referral, context, object.descriptor, flags);
  // The path may mean something else by then, of whose reading Landlock knows nothing.
  const isKept = context.files.landlock && ((flags & O_ACCMODE) === O_WRONLY || mayMoveUnseen(context.files));
  return isKept && referral.isCurrent()
    ? CONTINUE_CALL
    : untrusted(referral, context, 'write', { kind: 'path', path: object.path });
}

const PROCESS_NAME = /^\/proc\/(\d{1,9})\//;

/** Whether the caller, or the process of the sandbox whose descriptor the path names, has a pipe open for writing. */
function isHeldBySandbox(
  tid: number,
  path: Uint8Array,
  object: OpenObject,
  { members }: FileContext,
): boolean {
  const number = descriptorNamed(path);
  if (holdsPipe(tid, object.path, number)) return true;
  const named = PROCESS_NAME.exec(Buffer.from(path).toString('latin1'))?.[1];
  if (named === undefined) return false;
  const process = processOf(Number(named));
  return members.has(process) && holdsPipe(process, object.path, number);
}

const OWNER_WRITES = 0o200;
const name = Buffer.alloc(64);

/** At most so many descriptors are looked through: a program may have a million, and all others would wait meanwhile. */
const MOST_DESCRIPTORS = 4096;

/** @param likely the descriptor that was named */
function holdsPipe(tid: number, pipe: Buffer, likely: number | undefined): boolean {
  const holds = (number: number): boolean => {
    const link = `/proc/${tid}/fd/${number}`;
    const length = looking(() => readlinkText(link, name, name.length));
    if (length !== pipe.length || !name.subarray(0, length).equals(pipe)) return false;
    // The mode of the link says for what the descriptor is open (proc(5)).
    return isWritable(looking(() => linkMode(link)));
  };
  return (likely !== undefined && holds(likely)) || openNumbers(tid).slice(0, MOST_DESCRIPTORS).some(holds);
}

function isWritable(mode: number): boolean {
  return mode >= 0 && (mode & OWNER_WRITES) !== 0;
}
