/** Numbers of fcntl(2) commands, of which the kernel reads the low 32 bits (include/uapi/linux/fcntl.h, asm-generic/fcntl.h). */

import { entriesOf } from './entries.ts';

export const Fcntl = {
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_GETLK: 5,
  F_SETLK: 6,
  F_SETLKW: 7,
  F_SETOWN: 8,
  F_GETOWN: 9,
  F_SETSIG: 10,
  F_GETSIG: 11,
  F_SETOWN_EX: 15,
  F_GETOWN_EX: 16,
  F_GETOWNER_UIDS: 17,
  F_OFD_GETLK: 36,
  F_OFD_SETLK: 37,
  F_OFD_SETLKW: 38,
  F_SETLEASE: 1024,
  F_GETLEASE: 1025,
  F_NOTIFY: 1026,
  F_DUPFD_QUERY: 1027,
  F_CREATED_QUERY: 1028,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  F_GETPIPE_SZ: 1032,
  F_ADD_SEALS: 1033,
  F_GET_SEALS: 1034,
  F_GET_RW_HINT: 1035,
  F_SET_RW_HINT: 1036,
  F_GET_FILE_RW_HINT: 1037,
  F_SET_FILE_RW_HINT: 1038,
  F_GETDELEG: 1039,
  F_SETDELEG: 1040,
} as const;

export type FcntlName = keyof typeof Fcntl;

/**
 * What becomes of a command. `passes`: about the caller's own descriptor, or no more than the right by which the file was
 * opened gives. `signals`: makes the kernel signal somebody, or chooses with what. `changes`: changes the file itself, even
 * through a descriptor that is open for reading only; refused under a file policy.
 */
export type FcntlClass = 'passes' | 'signals' | 'changes';

/** Every command has a class. One that is not here does not exist (EINVAL) under a file policy. */
export const FCNTL_CLASSES: Readonly<Record<FcntlName, FcntlClass>> = {
  F_DUPFD: 'passes',
  F_GETFD: 'passes',
  F_SETFD: 'passes',
  F_GETFL: 'passes',
  // With O_ASYNC alone (signals); O_APPEND, O_DIRECT, O_NOATIME and O_NONBLOCK are the open file's.
  F_SETFL: 'signals',
  F_GETLK: 'passes',
  // A lock for writing needs a descriptor that is open for writing.
  F_SETLK: 'passes',
  F_SETLKW: 'passes',
  F_SETOWN: 'signals',
  F_GETOWN: 'passes',
  F_SETSIG: 'signals',
  F_GETSIG: 'passes',
  F_SETOWN_EX: 'signals',
  F_GETOWN_EX: 'passes',
  F_GETOWNER_UIDS: 'passes',
  F_OFD_GETLK: 'passes',
  F_OFD_SETLK: 'passes',
  F_OFD_SETLKW: 'passes',
  // A lock of another kind: who breaks it waits, and its holder is signalled.
  F_SETLEASE: 'passes',
  F_GETLEASE: 'passes',
  // The caller is signalled, or the owner that the descriptor has already.
  F_NOTIFY: 'passes',
  F_DUPFD_QUERY: 'passes',
  F_CREATED_QUERY: 'passes',
  F_DUPFD_CLOEXEC: 'passes',
  // The size of a buffer, nothing that is in it.
  F_SETPIPE_SZ: 'passes',
  F_GETPIPE_SZ: 'passes',
  // Needs a descriptor that is open for writing.
  F_ADD_SEALS: 'passes',
  F_GET_SEALS: 'passes',
  F_GET_RW_HINT: 'passes',
  // Kept in the inode, and asked of its owner only since Linux 6.9.
  F_SET_RW_HINT: 'changes',
  F_GET_FILE_RW_HINT: 'passes',
  F_SET_FILE_RW_HINT: 'changes',
  F_GETDELEG: 'passes',
  // As a lease, of directories too: then who makes a name there waits.
  F_SETDELEG: 'changes',
};

/** The numbers of the commands of a class. */
export function fcntlCommands(wanted: FcntlClass): number[] {
  return entriesOf(Fcntl).flatMap(([name, number]) => (FCNTL_CLASSES[name] === wanted ? [number] : []));
}
