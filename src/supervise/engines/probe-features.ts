/** What this machine lets a supervisor do, found out by doing it to a child that is thrown away. */
import { Errno, errnoMessage, errnoName } from '../../linux/errno.ts';
import { landlockAbi } from '../../linux/landlock.ts';
import { close, poll, read, syscall } from '../../linux/libc.ts';
import { FOLLOW_ALL, seize } from '../../linux/ptrace.ts';
import {
  AddDescriptor,
  knowsFilterFlag,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_ADDFD_FLAG_SEND,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_SET_FLAGS,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP,
} from '../../linux/seccomp.ts';
import { killChild, pidfdOpen, waitProcess } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { filterBlob, recordBlob, recordValue, zeros } from '../../launch/blobs.ts';
import { buildImage, type Row } from '../../launch/image.ts';
import { connectedPair } from '../../launch/launch.ts';
import { RECORD_SIZE } from '../../launch/protocol.ts';
import { capabilityRows, dumpableRows } from '../../launch/rows.ts';
import { startImage } from '../../launch/start.ts';
import { RETURN } from '../../seccomp/bpf.ts';
import { SECCOMP_RET_ALLOW } from '../../seccomp/return-value.ts';
import { arena, readMemory } from '../target/target.ts';

/** 0 or more: it works; else the negated error number of the attempt. */
export type Attempt = number;

export interface Features {
  /** ABI version of Landlock; 0: none. */
  readonly landlock: number;
  /** A filter with a listener; EBUSY: another supervisor listens to this process already. */
  readonly listener: Attempt;
  /** SECCOMP_IOCTL_NOTIF_ADDFD with SECCOMP_ADDFD_FLAG_SEND. */
  readonly addDescriptor: Attempt;
  /** SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP. */
  readonly syncWakeUp: Attempt;
  /** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV. */
  readonly waitKillable: Attempt;
  readonly pidfdGetfd: Attempt;
  readonly processVmReadv: Attempt;
  readonly ptrace: Attempt;
  readonly mseal: Attempt;
}

const REPORT = 3;
const POLLIN = 1;
const PR_SET_NO_NEW_PRIVS = 38;
/** Where every image begins. */
const IMAGE = 0x40_0000;
const Kind = { listener: 0x9000_0000, syncWakeUp: 0x9000_0001, addDescriptor: 0x9000_0002 } as const;
/** Nobody's descriptor, so that nothing is added. */
const NO_DESCRIPTOR = 0x7fff_ffff;
const PATIENCE = 5000;

/**
 * Tries everything. Throws a LaunchError where no child can be started at all.
 * @param capabilities those that this process has kept: a child with more of them could not be traced
 */
export function probeFeatures(capabilities: bigint | undefined): Features {
  const child = startChild(capabilities ?? 0n);
  try {
    const { results, pid, pidDescriptor } = child;
    const listener = results.get(Kind.listener) ?? -Errno.EPROTO;
    return {
      landlock: landlockAbi(),
      listener,
      addDescriptor: listener < 0 ? listener : knownCommand(results.get(Kind.addDescriptor)),
      syncWakeUp: listener < 0 ? listener : (results.get(Kind.syncWakeUp) ?? -Errno.EPROTO),
      waitKillable:
        listener < 0 ||
        knowsFilterFlag(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
          ? Math.min(listener, 0)
          : -Errno.EINVAL,
      pidfdGetfd: closed(syscall(X86_64.pidfd_getfd, pidDescriptor, REPORT, 0, 0, 0, 0)),
      processVmReadv: readByte(pid),
      ptrace: seize(pid, FOLLOW_ALL),
      mseal: syscall(X86_64.mseal, 0, 0, 0, 0, 0, 0),
    };
  } finally {
    endChild(child);
  }
}

/** Whether a filter that we are under ourselves lets us read memory at all (process_vm_readv(2)); costs next to nothing. */
export function canReadMemory(): boolean {
  const [from, into] = [arena(1), arena(1)];
  return readMemory(process.pid, from.address, into, 1) === 0;
}

/** An attempt in words. */
export function attemptText(attempt: Attempt): string {
  return attempt >= 0 ? 'yes' : `no: ${errnoMessage(-attempt)} (${errnoName(-attempt)})`;
}

interface Child {
  readonly pid: number;
  readonly pidDescriptor: number;
  readonly socket: number;
  readonly results: ReadonlyMap<number, number>;
}

function startChild(capabilities: bigint): Child {
  const [near, far] = connectedPair();
  try {
    const pid = startImage(buildImage(childRows(capabilities)), {
      descriptors: new Map([[REPORT, far]]),
      defaultSignals: [],
      from: ['memory', 'file'],
    });
    return { pid, pidDescriptor: pidfdOpen(pid), socket: near, results: readResults(near) };
  } finally {
    close(far);
  }
}

function endChild({ pid, pidDescriptor, socket }: Child): void {
  if (killChild(pid, pidDescriptor)) waitProcess(pidDescriptor);
  close(pidDescriptor);
  close(socket);
}

/**
 * Installs a filter that allows everything, with a listener, tries what can be done with that, and waits for its end.
 * With descriptor 0 closed before, that is the listener's number.
 */
function childRows(capabilities: bigint): Row[] {
  const listener = 0;
  const allow = Buffer.alloc(8); // struct sock_filter
  allow.writeUInt16LE(RETURN, 0);
  allow.writeUInt32LE(SECCOMP_RET_ALLOW, 4);
  const addition = zeros(AddDescriptor.size);
  addition.bytes.writeUInt32LE(SECCOMP_ADDFD_FLAG_SEND, AddDescriptor.flags);
  addition.bytes.writeUInt32LE(NO_DESCRIPTOR, AddDescriptor.source);
  const filter = { blob: filterBlob(allow) };
  return [
    { name: 'prctl', number: X86_64.prctl, arguments: [PR_SET_NO_NEW_PRIVS, 1] },
    ...capabilityRows(capabilities),
    ...dumpableRows(),
    { name: 'close', number: X86_64.close, arguments: [listener], tolerate: 'all' },
    ...attempt(Kind.listener, X86_64.seccomp, [
      SECCOMP_SET_MODE_FILTER,
      SECCOMP_FILTER_FLAG_NEW_LISTENER,
      filter,
    ]),
    ...attempt(Kind.syncWakeUp, X86_64.ioctl, [
      listener,
      SECCOMP_IOCTL_NOTIF_SET_FLAGS,
      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP,
    ]),
    ...attempt(Kind.addDescriptor, X86_64.ioctl, [listener, SECCOMP_IOCTL_NOTIF_ADDFD, { blob: addition }]),
    { name: 'read', number: X86_64.read, arguments: [REPORT, { blob: zeros(8) }, 8] },
  ];
}

/** A call that may fail, and the record of what came of it. */
function attempt(kind: number, number: number, args: Row['arguments']): Row[] {
  const record = recordBlob(kind);
  return [
    { name: 'attempt', number, arguments: args, tolerate: 'all', result: recordValue(record) },
    { name: 'write', number: X86_64.write, arguments: [REPORT, { blob: record }, RECORD_SIZE] },
  ];
}

/** One record for each kind; fewer where the child ends before. */
function readResults(socket: number): Map<number, number> {
  const results = new Map<number, number>();
  const record = Buffer.alloc(RECORD_SIZE);
  const set = Buffer.alloc(8); // struct pollfd
  set.writeInt32LE(socket, 0);
  set.writeInt16LE(POLLIN, 4);
  while (results.size < Object.keys(Kind).length) {
    if (poll(set, 1, PATIENCE) === 0) break;
    const count = read(socket, record, record.length);
    if (count === -Errno.EAGAIN || count === -Errno.EINTR) continue;
    if (count !== record.length) break;
    results.set(record.readUInt32LE(0), record.readInt32LE(4));
  }
  return results;
}

/** The ioctl looks at the descriptor to add before all else: only a kernel that has it says EBADF. */
function knownCommand(result: number | undefined): Attempt {
  return result === -Errno.EBADF ? 0 : -Errno.EINVAL;
}

function closed(descriptor: number): Attempt {
  if (descriptor >= 0) close(descriptor);
  return Math.min(descriptor, 0);
}

function readByte(pid: number): Attempt {
  const into = arena(1);
  return readMemory(pid, IMAGE, into, 1);
}
