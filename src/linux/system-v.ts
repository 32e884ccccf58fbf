/** System V shared memory, semaphores and message queues (sysvipc(7)): making them, and what tells one from another. */
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export type SystemVKind = 'shm' | 'sem' | 'msg';

/** The command that tells about an object without asking for permission (Linux 4.17). */
const STAT_ANY = { shm: 15, msg: 13, sem: 20 } as const;
export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;

/** struct ipc64_perm, which begins all three of struct shmid64_ds, semid64_ds and msqid64_ds. */
const KEY = 0;
const CREATOR_USER = 12;
const CREATOR_GROUP = 16;
/** struct shmid64_ds: shm_cpid. */
const CREATOR_PROCESS = 80;

const bytes = Buffer.from(new ArrayBuffer(256));
const address = addressOf(bytes);

/** What never changes of an object, but for the key, which shared memory that is to be destroyed has no more. */
export interface SystemVObject {
  /** Holds a sequence number, so that it comes back only after some millions of others. */
  readonly id: number;
  readonly key: number;
  readonly creatorUser: number;
  readonly creatorGroup: number;
  /** Of shared memory: the process that made it, 0 where that has ended; else 0. */
  readonly creatorProcess: number;
}

/** The object with exactly this id in our IPC namespace; undefined where there is none, or it cannot be told. */
export function systemVObject(kind: SystemVKind, id: number): SystemVObject | undefined {
  if (id < 0) return undefined;
  // The kernel looks at the index in it alone, and answers with the whole id of what it found.
  if (stat(kind, id) !== id) return undefined;
  return {
    id,
    key: bytes.readInt32LE(KEY),
    creatorUser: bytes.readUInt32LE(CREATOR_USER),
    creatorGroup: bytes.readUInt32LE(CREATOR_GROUP),
    creatorProcess: kind === 'shm' ? bytes.readInt32LE(CREATOR_PROCESS) : 0,
  };
}

function stat(kind: SystemVKind, id: number): number {
  const command = STAT_ANY[kind];
  switch (kind) {
    case 'shm':
      return syscall(X86_64.shmctl, id, command, address, 0, 0, 0);
    case 'msg':
      return syscall(X86_64.msgctl, id, command, address, 0, 0, 0);
    case 'sem':
      return syscall(X86_64.semctl, id, 0, command, address, 0, 0);
  }
}

/** shmget(2), semget(2), msgget(2): the id, or a negated error number. Queues have no size. */
export function systemVGet(kind: SystemVKind, key: number, size: bigint, flags: number): number {
  switch (kind) {
    case 'shm':
      return syscall(X86_64.shmget, key, size, flags, 0, 0, 0);
    case 'sem':
      return syscall(X86_64.semget, key, size, flags, 0, 0, 0);
    case 'msg':
      return syscall(X86_64.msgget, key, flags, 0, 0, 0, 0);
  }
}
