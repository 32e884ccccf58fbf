/**
 * Credentials of another thread, taken on by this one alone for the time of an action (credentials(7), capabilities(7)): by raw
 * system calls, since those of libc change all threads. What the kernel asks about a file, a socket or a signal is then asked of
 * them: user and group ids, supplementary groups and effective capabilities. Pool threads keep ours.
 */
import { writeSync } from 'node:fs';
import { CAP_DAC_OVERRIDE, CAP_SETGID, CAP_SETUID, CAP_SYS_PTRACE, setCapabilities } from './capabilities.ts';
import { Errno } from './errno.ts';
import { exitNow, prctl, startPool, syscall, syscallMemory2 } from './libc.ts';
import { endWithParentAgain } from './parent-death.ts';
import { X86_64 } from './syscalls.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const FAILURE = 125;
/** What the kernel says of a group without a number in a user namespace (user_namespaces(7)). */
const OVERFLOW_GROUP = 65534;

/** Real, effective, saved and file system id. */
export type Ids = readonly [real: number, effective: number, saved: number, fileSystem: number];

export interface ThreadCredentials {
  readonly users: Ids;
  readonly groups: Ids;
  readonly supplementary: Uint32Array;
  /** The effective set. */
  readonly capabilities: bigint;
}

interface Own extends ThreadCredentials {
  readonly permitted: bigint;
}

/** Undefined where this process may not become others. */
let own: Own | undefined;
let takenOn: ThreadCredentials | undefined;

/**
 * Notes what is to be restored, and lets the permitted set outlast a change of user (PR_SET_KEEPCAPS: of this thread, until it
 * executes a program). Where that could not be restored nothing is ever taken on.
 * @param credentials those of this thread now
 */
export function prepareImpersonation(credentials: ThreadCredentials, permitted: bigint): void {
  const { users, groups, supplementary, capabilities } = credentials;
  const needed = CAP_SETUID | CAP_SETGID;
  if ((capabilities & needed) !== needed || !isOne(users) || !isOne(groups)) return;
  // In a user namespace it may be one that has no number here, and could not be had again; or setgroups(2) is denied.
  if (groups[0] === OVERFLOW_GROUP || supplementary.includes(OVERFLOW_GROUP) || !setGroups(supplementary))
    return;
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) !== 0) return;
  // What a thread starts has its credentials: now they are ours.
  startPool();
  own = { ...credentials, permitted };
}

function isOne(ids: Ids): boolean {
  return ids.every((id) => id === ids[0]);
}

/** Whether another's memory and descriptors may be looked at whatever user that is. */
export function canLook(): boolean {
  return own !== undefined && (own.permitted & CAP_SYS_PTRACE) !== 0n;
}

/** Whose credentials this thread has, if not its own. */
export function impersonated(): ThreadCredentials | undefined {
  return takenOn;
}

/** What is to be done once we have our own again, the last first. */
const afterwards: (() => void)[] = [];

/** Acts with our own credentials: now, or as soon as another's are given up. */
export function asOurselves(action: () => void): void {
  if (takenOn === undefined) action();
  else afterwards.push(action);
}

/**
 * Acts with another's credentials, of the capabilities with those that we have too. Undefined, and nothing done, where they cannot
 * be taken on. Ends the process where ours do not come back.
 */
export function impersonate<Result>(
  credentials: ThreadCredentials,
  action: () => Result,
): Result | undefined {
  if (own === undefined || takenOn !== undefined) return undefined;
  try {
    if (!takeOn(credentials, own)) return undefined;
    takenOn = credentials;
    return action();
  } finally {
    takenOn = undefined;
    if (!restore(own)) giveUp();
    endWithParentAgain();
    while (afterwards.length > 0) afterwards.pop()?.();
  }
}

function takeOn(
  { users, groups, supplementary, capabilities }: ThreadCredentials,
  { permitted }: Own,
): boolean {
  return (
    setGroups(supplementary) &&
    syscall(X86_64.setresgid, groups[0], groups[1], groups[2], 0, 0, 0) === 0 &&
    setFileSystemId(X86_64.setfsgid, groups) &&
    syscall(X86_64.setresuid, users[0], users[1], users[2], 0, 0, 0) === 0 &&
    // An effective user other than root has lost the effective set, and the next call needs one.
    (users[3] === users[1] || setCapabilities(permitted & ~CAP_SYS_PTRACE, permitted) === 0) &&
    setFileSystemId(X86_64.setfsuid, users) &&
    setCapabilities(permitted & ~CAP_SYS_PTRACE & capabilities, permitted) === 0 &&
    stayUndumpable()
  );
}

function restore({ users, groups, supplementary, capabilities, permitted }: Own): boolean {
  return (
    setCapabilities(capabilities, permitted) === 0 &&
    syscall(X86_64.setresuid, users[0], users[1], users[2], 0, 0, 0) === 0 &&
    syscall(X86_64.setresgid, groups[0], groups[1], groups[2], 0, 0, 0) === 0 &&
    setGroups(supplementary) &&
    // To become root again has made all that is permitted effective.
    setCapabilities(capabilities, permitted) === 0 &&
    stayUndumpable()
  );
}

function setGroups(groups: Uint32Array): boolean {
  const bytes = new Uint8Array(groups.buffer, groups.byteOffset, groups.byteLength);
  return syscallMemory2(X86_64.setgroups, groups.length, bytes, 0, 0, 0) === 0;
}

/** The call tells the id of before, whether it did anything or not: it is asked again with an id that is none. */
function setFileSystemId(number: number, [, effective, , fileSystem]: Ids): boolean {
  if (effective === fileSystem) return true;
  syscall(number, fileSystem, 0, 0, 0, 0, 0);
  return syscall(number, -1, 0, 0, 0, 0, 0) === fileSystem;
}

/** A change of user or group makes a process what the system likes (proc_sys_fs(5), suid_dumpable). */
function stayUndumpable(): boolean {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) === 0;
}

/**
 * Looks at a target's memory, descriptors or files in /proc: with the right that is kept for that alone where it may not be done
 * without (ptrace(2), "Ptrace access mode checking"). Not for what a target names.
 * @param look gives a negated error number where it failed
 */
export function looking<Result>(look: () => Result | number): Result | number {
  const result = look();
  const mayNot = result === -Errno.EPERM || result === -Errno.EACCES || result === -Errno.ENOENT;
  if (!mayNot || own === undefined || !canLook()) return result;
  const before = own.permitted & ~CAP_SYS_PTRACE & (takenOn ?? own).capabilities;
  const raised = (before | CAP_SYS_PTRACE | CAP_DAC_OVERRIDE) & own.permitted;
  if (setCapabilities(raised, own.permitted) !== 0) return result;
  try {
    return look();
  } finally {
    if (setCapabilities(before, own.permitted) !== 0) giveUp();
  }
}

function giveUp(): never {
  try {
    writeSync(2, 'secfilt: could not become itself again\n');
  } finally {
    exitNow(FAILURE);
  }
}
