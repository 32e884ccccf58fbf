/**
 * POSIX message queues (mq_overview(7)): what the sandbox made is its own, and what others made stays closed under a file policy.
 * They are opened and removed by the supervisor: Landlock knows no place that they lie in and lets nobody write to one, whatever the
 * policy. What is done with an open one goes by its descriptor, in the kernel.
 */
import { Errno } from '../../linux/errno.ts';
import {
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_PATH,
  O_WRONLY,
  PATH_MAX,
  fileSystemType,
  fstat,
  openPathText,
} from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { RLIMIT_MSGQUEUE, underLimitOf } from '../../linux/limits.ts';
import {
  ATTRIBUTES_SIZE,
  MQUEUE_MAGIC,
  openQueue,
  QUEUE_DIRECTORY,
  removeQueue,
} from '../../linux/message-queue.ts';
import type { SyscallName } from '../../linux/syscalls.ts';
import type { FileRules } from '../../judge/files.ts';
import { judgeQueue } from '../../judge/queues.ts';
import type { Operation, ReportedObject } from '../../report/event.ts';
import { OTHER_RIGHTS, allowed, refused, trustedStatus, type Context } from '../context.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { isInOurNamespace } from '../target/namespaces.ts';
import { arena, readMemory, readPath } from '../target/target.ts';
import { underUmask } from '../target/umask.ts';
import type { MadeQueues } from './made-queues.ts';

export interface QueueContext extends Context {
  readonly queues: MadeQueues;
  readonly files: FileRules;
}

export type QueueHandler = (referral: Referral, context: QueueContext) => Reply;

export const QUEUE_HANDLERS = { mq_open: open, mq_unlink: unlink } as const satisfies Partial<
  Record<SyscallName, QueueHandler>
>;

/** Names come and go between two looks; nobody makes them do so for ever. */
const MOST_TRIES = 8;

const path = arena(PATH_MAX);
const attributes = arena(ATTRIBUTES_SIZE);

const O_DIRECT = 0o40000;

interface QueueName {
  /** Ends in NUL; a view of what the next referral overwrites. */
  readonly bytes: Uint8Array;
  readonly text: string;
}

function open(referral: Referral, context: QueueContext): Reply {
  const { queues } = context;
  const flags = referral.int(1);
  const hasAttributes = referral.long(3) !== 0n;
  const failed = hasAttributes
    ? readMemory(referral.tid, referral.pointer(3), attributes, ATTRIBUTES_SIZE)
    : 0;
  if (failed < 0) return fail(-failed);
  const name = readName(referral);
  if (typeof name === 'number') return fail(name);
  const status = trustedStatus(referral, context);
  if (status === undefined || !isInOurNamespace(referral.tid, 'ipc')) return withoutTrust(referral, context);
  const make = (): number =>
    underLimitOf(referral.tid, RLIMIT_MSGQUEUE, () =>
      underUmask(status.umask, () =>
        openQueue(
          name.bytes,
          (flags & ~O_DIRECT) | O_CREAT | O_EXCL,
          referral.uint(2),
          hasAttributes ? attributes.address : 0,
        ),
      ),
    );
  const existing = flags & ~(O_CREAT | O_EXCL);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if ((flags & O_CREAT) !== 0) {
      queues.releaseRemoved();
      const made = make();
      if (made >= 0) {
        queues.add(name.text, made);
        // The kernel makes the queue, and then cannot open it so.
        if ((flags & O_DIRECT) !== 0) {
          close(made);
          return fail(Errno.EINVAL);
        }
        return allowed(referral, context, 'other', NAMELESS, handed(made), 'made inside');
      }
      if (made !== -Errno.EEXIST || (flags & O_EXCL) !== 0) return fail(-made);
    }
    const reply = openExisting(referral, context, name, existing);
    if (reply !== 'gone') return reply;
    if ((flags & O_CREAT) === 0) return fail(Errno.ENOENT);
  }
  return fail(Errno.EAGAIN);
}

const NAMELESS: ReportedObject = { kind: 'none' };

/** 'gone': there is none of that name, or another by now. */
function openExisting(
  referral: Referral,
  context: QueueContext,
  name: QueueName,
  flags: number,
): Reply | 'gone' {
  // What has been made inside need not be looked at: only the name counts, which is compared again afterwards.
  const found = context.queues.has(name.text) ? 'own' : placeOf(name, flags);
  if (typeof found === 'number') return found === -Errno.ENOENT ? 'gone' : fail(-found);
  const isOwn = found === 'own';
  const { verdict, object } = judged(context, found);
  if (verdict.kind === 'refuse')
    return refused(referral, context, operationOn(object, 'write'), object, verdict.rule, Errno.EACCES);
  const opened = openQueue(name.bytes, flags, 0, 0);
  if (opened === -Errno.ENOENT) return 'gone';
  if (opened < 0) return fail(-opened);
  if (isOwn && !context.queues.has(name.text)) {
    close(opened);
    return 'gone';
  }
  return allowed(referral, context, operationOn(object, 'write'), object, handed(opened));
}

function unlink(referral: Referral, context: QueueContext): Reply {
  const name = readName(referral);
  if (typeof name === 'number') return fail(name);
  const isTrusted = trustedStatus(referral, context) !== undefined;
  if (!isTrusted || !isInOurNamespace(referral.tid, 'ipc')) return withoutTrust(referral, context);
  const found = context.queues.has(name.text) ? 'own' : placeOf(name, O_ACCMODE);
  if (typeof found === 'number') return fail(-found);
  const { verdict, object } = judged(context, found);
  if (verdict.kind === 'refuse') {
    const isOthers = found !== 'own' && found.owner !== undefined && found.owner !== context.userId;
    // The directory is everybody's, and sticky.
    if (isOthers && context.userId !== 0) return fail(Errno.EPERM);
    return refused(referral, context, operationOn(object, 'remove'), object, verdict.rule, Errno.EACCES);
  }
  const result = removeQueue(name.bytes);
  if (result === 0) context.queues.forget(name.text);
  return allowed(referral, context, operationOn(object, 'remove'), object, resultReply(result));
}

/** A queue of others. */
interface Found {
  /** Where it lies, if queues are to be seen as files here. */
  readonly path: Buffer | undefined;
  readonly owner: number | undefined;
}

function judged({ files }: QueueContext, found: Found | 'own') {
  const place = found === 'own' ? undefined : found.path;
  const object: ReportedObject = place === undefined ? NAMELESS : { kind: 'path', path: place };
  return { verdict: judgeQueue(files, found === 'own', place), object } as const;
}

function operationOn(object: ReportedObject, operation: Operation): Operation {
  return object.kind === 'none' ? 'other' : operation;
}

/**
 * Looks at a queue that exists, and opens nothing. A negated error number where an open with these flags fails.
 * @param flags an access mode that is none (O_ACCMODE) asks for no permission
 */
function placeOf(name: QueueName, flags: number): Found | number {
  const asked = flags & O_ACCMODE;
  const result = openQueue(name.bytes, asked | O_PATH, 0, 0);
  // The error that the kernel has for such a mode, once it has found the queue.
  const exists = asked === O_ACCMODE && result === -Errno.EINVAL;
  if (result < 0 && !exists) return result;
  const found = result < 0 ? lookAt(name) : result;
  if (found < 0) return { path: undefined, owner: undefined };
  const status = fstat(found);
  close(found);
  if (typeof status === 'number') return { path: undefined, owner: undefined };
  return { path: pathOf(name, status.device), owner: status.owner };
}

function lookAt(name: QueueName): number {
  const found = openQueue(name.bytes, O_PATH, 0, 0);
  return found < 0 ? openQueue(name.bytes, O_PATH | O_WRONLY, 0, 0) : found;
}

function pathOf({ text }: QueueName, device: bigint): Buffer | undefined {
  const directory = openPathText(QUEUE_DIRECTORY);
  if (directory < 0) return undefined;
  const status = fstat(directory);
  const isMounted = fileSystemType(directory) === MQUEUE_MAGIC;
  close(directory);
  return isMounted && typeof status !== 'number' && status.device === device
    ? Buffer.from(`${QUEUE_DIRECTORY}/${text}`, 'latin1')
    : undefined;
}

/** Under every file policy refused; else Landlock decides. */
function withoutTrust(referral: Referral, context: QueueContext): Reply {
  return context.files.restricted
    ? refused(referral, context, 'other', NAMELESS, OTHER_RIGHTS, Errno.EACCES)
    : CONTINUE_CALL;
}

function readName(referral: Referral): QueueName | number {
  const length = readPath(referral.tid, referral.pointer(0), path);
  if (length < 0) return -length;
  return { bytes: path.bytes.subarray(0, length + 1), text: path.bytes.toString('latin1', 0, length) };
}

/** What mq_open(2) gives is always closed at execve(2). */
function handed(descriptor: number): Reply {
  return { kind: 'descriptor', descriptor, closeOnExec: true };
}
