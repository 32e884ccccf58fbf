/**
 * System V objects (sysvipc(7)) under a file policy: what the sandbox made is its own, what others made stays closed.
 *
 * Objects are made by the supervisor, which so knows their ids. Whatever is done with one goes by id, a register, and goes on in the
 * kernel where the id is that of an object made inside, which is asked just before. An id does not come back until the
 * kernel's sequence number has gone round.
 */
import { Errno } from '../../linux/errno.ts';
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  type SystemVKind,
  systemVGet,
  systemVObject,
} from '../../linux/system-v.ts';
import type { SyscallName } from '../../linux/syscalls.ts';
import { allowed, isTrusted, refused, type Context } from '../context.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { isInOurNamespace } from '../target/namespaces.ts';
import { argumentError } from './argument-errors.ts';
import type { MadeObjects } from './made-objects.ts';

export type SystemVHandler = (referral: Referral, context: SystemVContext) => Reply;

export interface SystemVContext extends Context {
  readonly objects: MadeObjects;
}

const IPC_RMID = 0;
/** IPC_STAT, IPC_INFO, and the kind's own INFO, STAT and STAT_ANY: what /proc/sysvipc tells everybody. */
const QUERIES = {
  shm: [2, 3, 13, 14, 15],
  msg: [2, 3, 11, 12, 13],
  sem: [2, 3, 18, 19, 20],
} as const satisfies Record<SystemVKind, readonly number[]>;

const RULE = 'a System V object that was not made inside';
/** Keys are made and removed by others between two looks; nobody does so for ever. */
const MOST_TRIES = 8;

/** Calls that make an object or find it by its key, performed with the caller's credentials. */
export const SYSTEM_V_GETS = {
  shmget: (referral, context) => get('shm', referral.long(1), referral.int(2), referral, context),
  semget: (referral, context) => get('sem', BigInt(referral.int(1)), referral.int(2), referral, context),
  msgget: (referral, context) => get('msg', 0n, referral.int(1), referral, context),
} as const satisfies Partial<Record<SyscallName, SystemVHandler>>;

/** Calls by id. Nothing is performed in them. */
export const SYSTEM_V_CALLS = {
  shmat: (referral, context) => use('shm', referral, context),
  shmctl: (referral, context) => control('shm', referral.int(1), referral, context),
  semop: (referral, context) => use('sem', referral, context),
  semtimedop: (referral, context) => use('sem', referral, context),
  semctl: (referral, context) => control('sem', referral.int(2), referral, context),
  msgsnd: (referral, context) => use('msg', referral, context),
  msgrcv: (referral, context) => use('msg', referral, context),
  msgctl: (referral, context) => control('msg', referral.int(1), referral, context),
} as const satisfies Partial<Record<SyscallName, SystemVHandler>>;

function get(
  kind: SystemVKind,
  size: bigint,
  flags: number,
  referral: Referral,
  context: SystemVContext,
): Reply {
  const key = referral.int(0);
  if (!isTrusted(referral, context) || !isInOurNamespace(referral.tid, 'ipc'))
    return refusedObject(referral, context);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const isNew = key === IPC_PRIVATE || (flags & IPC_CREAT) !== 0;
    if (isNew) {
      // With IPC_EXCL what is answered is new, whoever makes the same key at the same moment.
      const made = systemVGet(kind, key, size, flags | IPC_CREAT | IPC_EXCL);
      if (made >= 0) {
        context.objects.add(kind, made);
        return allowed(referral, context, 'other', { kind: 'none' }, resultReply(made), 'made inside');
      }
      if (made !== -Errno.EEXIST || (flags & IPC_EXCL) !== 0) return fail(-made);
    }
    const found = systemVGet(kind, key, size, flags & ~(IPC_CREAT | IPC_EXCL));
    if (found >= 0) {
      return context.objects.has(kind, found) ? resultReply(found) : refusedObject(referral, context);
    }
    if (!isNew || found !== -Errno.ENOENT) return fail(-found);
  }
  return refusedObject(referral, context);
}

function use(kind: SystemVKind, referral: Referral, context: SystemVContext): Reply {
  const id = referral.int(0);
  if (context.objects.has(kind, id)) return CONTINUE_CALL;
  const errno = argumentError(kind, referral);
  if (errno !== undefined) return fail(errno);
  return systemVObject(kind, id) === undefined ? fail(Errno.EINVAL) : refusedObject(referral, context);
}

function control(kind: SystemVKind, command: number, referral: Referral, context: SystemVContext): Reply {
  if (isQuery(kind, command)) return CONTINUE_CALL;
  const reply = use(kind, referral, context);
  // Shared memory that is attached outlives its removal, and is known by the process that made it: this one.
  if (reply === CONTINUE_CALL && command === IPC_RMID && kind !== 'shm') {
    context.objects.forget(kind, referral.int(0));
  }
  return reply;
}

function isQuery(kind: SystemVKind, command: number): boolean {
  const queries: readonly number[] = QUERIES[kind];
  return queries.includes(command);
}

function refusedObject(referral: Referral, context: Context): Reply {
  return refused(referral, context, 'other', { kind: 'none' }, RULE, Errno.EACCES);
}
