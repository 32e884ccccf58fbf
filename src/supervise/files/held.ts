/**
 * What the target already holds open for writing may be opened again by the name of the descriptor: `> /dev/stdout`,
 * /dev/fd/N, /proc/self/fd/N. It is the same file with the same right to write, so nothing is gained by
 * it, by those at least who have our own credentials: the kernel asks others whether they may open the file.
 */
import { Errno } from '../../linux/errno.ts';
import {
  F_GETFL,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  fstat,
} from '../../linux/files.ts';
import { close, fcntl } from '../../linux/libc.ts';
import { isTrusted, type FileContext } from '../context.ts';
import { copyDescriptor } from '../descriptor.ts';
import type { PendingCalls } from '../pending.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import { isPathOnly } from '../target.ts';
import type { OpenObject } from './object.ts';
import { openBehind } from './perform-open.ts';

const DESCRIPTOR_NAME = /(?:^|\/)fd\/(\d{1,9})$/;
const STANDARD_NAMES = new Map([
  ['/dev/stdin', 0],
  ['/dev/stdout', 1],
  ['/dev/stderr', 2],
]);

/** The reply to such an open, or undefined where the path is no such name or the descriptor no such right. */
export function openHeldDescriptor(
  referral: Referral,
  path: Uint8Array,
  flags: number,
  object: OpenObject,
  context: FileContext,
): Reply | undefined {
  const number = descriptorNamed(path);
  if (number === undefined || (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return undefined;
  const copy = copyDescriptor(referral.tid, number);
  if (copy < 0) return undefined;
  const reply =
    isHeldForWriting(copy, object) && isTrusted(referral, context)
      ? reopen(referral, context.pending, copy, flags)
      : undefined;
  close(copy);
  return reply;
}

function descriptorNamed(path: Uint8Array): number | undefined {
  const text = Buffer.from(path).toString('latin1');
  const match = DESCRIPTOR_NAME.exec(text);
  return match?.[1] === undefined ? STANDARD_NAMES.get(text) : Number(match[1]);
}

function isHeldForWriting(copy: number, object: OpenObject): boolean {
  const flags = fcntl(copy, F_GETFL, 0);
  if (flags < 0 || isPathOnly(flags) || (flags & O_ACCMODE) === 0) return false;
  const status = fstat(copy);
  return typeof status !== 'number' && status.device === object.device && status.inode === object.inode;
}

function reopen(referral: Referral, pending: PendingCalls, copy: number, flags: number): Reply {
  const own = (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY;
  const reply = openBehind(referral, pending, copy, own, (flags & O_CLOEXEC) !== 0);
  return reply.kind === 'errno' && reply.errno === Errno.ENOENT ? fail(Errno.EPERM) : reply;
}
