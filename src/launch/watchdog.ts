/**
 * The watchdog: a second process that the launcher makes before it installs the filter.
 *
 * It exists because of two things that nobody else can do. The launcher may no longer send the listener once the filter
 * refers sendmsg(2) to a supervisor that has no listener yet; the watchdog shares its descriptor table and is not under
 * the filter. And when the supervisor is killed it ends every process of the sandbox: their Landlock domain is nested in its
 * own, and LANDLOCK_SCOPE_SIGNAL makes kill(-1) reach these processes and no other.
 *
 * As it is not under the sandbox's filter, a target must not get hold of it, not even where there is no Landlock: it is not
 * dumpable, so not to be traced, and a filter of its own leaves it the few calls that it has still to make.
 */
import { Errno } from '../linux/errno.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { SECCOMP_SET_MODE_FILTER } from '../linux/seccomp.ts';
import { JUMP_EQUAL, LOAD, RETURN } from '../seccomp/bpf.ts';
import { SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS } from '../seccomp/return-value.ts';
import { ARCHITECTURE, AUDIT_ARCH_X86_64, NUMBER } from '../seccomp/seccomp-data.ts';
import type { Blob, Row } from './image.ts';
import { Descriptor, Kind } from './protocol.ts';
import { filterBlob, recordBlob, recordValue, stringBlob, zeros } from './blobs.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const SIG_BLOCK = 0;
const SIGKILL = 9;
const CLOSE_RANGE_UNSHARE = 1 << 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** Where the watchdog has the listener: in place of the report socket, which is always open and so not the listener. */
const LISTENER = Descriptor.report;

/** At most 15 bytes (PR_SET_NAME). */
const NAME = 'secfilt-watch';

/**
 * The watchdog's rows. It ends the sandbox only with `signalScope`: outside of such a domain kill(-1) would reach all that the
 * user owns.
 * @param answers it is asked for processes by their numbers (`Reach` of handover.ts), which takes a scope too
 */
export function watchdogRows(signalScope: boolean, answers = false): Row[] {
  const duplicate = row('dup2', X86_64.dup2, [-1, LISTENER]);
  return [
    row('prctl PR_SET_DUMPABLE', X86_64.prctl, [PR_SET_DUMPABLE, 0]),
    row('rt_sigprocmask', X86_64.rt_sigprocmask, [
      SIG_BLOCK,
      { blob: { bytes: Buffer.alloc(8, 0xff) } },
      0,
      8,
    ]),
    row('setsid', X86_64.setsid, []),
    row('prctl PR_SET_NAME', X86_64.prctl, [PR_SET_NAME, { blob: stringBlob(NAME) }]),
    row('chdir', X86_64.chdir, [{ blob: stringBlob('/') }]),
    row('seccomp', X86_64.seccomp, [
      SECCOMP_SET_MODE_FILTER,
      0,
      { blob: filterBlob(ownFilter(signalScope)) },
    ]),
    {
      ...row('read', X86_64.read, [Descriptor.control, { row: duplicate, argument: 0 }, 4]),
      stopAtZero: true,
    },
    // A table of its own from here on, without the report socket: its end is to tell of the launcher's execve(2).
    row('close_range', X86_64.close_range, [LISTENER, LISTENER, CLOSE_RANGE_UNSHARE]),
    duplicate,
    row('close_range', X86_64.close_range, [0, LISTENER - 1, 0]),
    row('close_range', X86_64.close_range, [LISTENER + 1, Descriptor.control - 1, 0]),
    row('close_range', X86_64.close_range, [Descriptor.control + 1, 0xffff_ffff, 0]),
    row('sendmsg', X86_64.sendmsg, [
      Descriptor.control,
      { blob: descriptorMessage(Kind.listener, LISTENER) },
      0,
    ]),
    row('close_range', X86_64.close_range, [LISTENER, LISTENER, 0]),
    ...(signalScope && answers ? answeringRows() : endRows(signalScope)),
  ];
}

/** Waits for the end of the control socket, which is the supervisor's, or for a byte that says there is nothing to do. */
function endRows(signalScope: boolean): Row[] {
  const wait = row('read', X86_64.read, [Descriptor.control, { blob: zeros(8) }, 1]);
  const leave = row('exit_group', X86_64.exit_group, [0]);
  if (!signalScope) return [wait, leave];
  // ESRCH is no failure: nobody is left.
  const endSandbox: Row = { ...row('kill', X86_64.kill, [-1, SIGKILL]), tolerate: Errno.ESRCH };
  return [{ ...wait, onZero: endSandbox }, leave, endSandbox, row('exit_group', X86_64.exit_group, [0])];
}

/**
 * Says who is in its reach, until the end of the control socket: that is who is in the sandbox, since signals stay inside the domain
 * that the sandbox's is nested in. Then it ends all of them, of whom there may be none.
 */
function answeringRows(): Row[] {
  const record = recordBlob(Kind.reach);
  const question: Row = {
    ...row('kill', X86_64.kill, [0, 0]),
    result: recordValue(record),
    tolerate: 'all',
  };
  const endSandbox: Row = { ...row('kill', X86_64.kill, [-1, SIGKILL]), tolerate: Errno.ESRCH };
  const wait: Row = {
    ...row('read', X86_64.read, [Descriptor.control, { row: question, argument: 0 }, 4]),
    onZero: endSandbox,
  };
  // Always 0 here, and the way back.
  const again = { ...row('close_range', X86_64.close_range, [LISTENER, LISTENER, 0]), onZero: wait };
  return [
    wait,
    question,
    row('write', X86_64.write, [Descriptor.control, { blob: record }, record.bytes.length]),
    again,
    endSandbox,
    row('exit_group', X86_64.exit_group, [0]),
  ];
}

function row(name: string, number: number, args: Row['arguments']): Row {
  return { name: `watchdog: ${name}`, number, arguments: args, report: Descriptor.control };
}

/** A struct msghdr that carries a record and a descriptor. */
function descriptorMessage(kind: number, descriptor: number): Blob {
  const record = recordBlob(kind);
  const vector = zeros(16);
  vector.bytes.writeBigUInt64LE(BigInt(record.bytes.length), 8);
  const control = zeros(24); // CMSG_SPACE(4)
  control.bytes.writeBigUInt64LE(20n, 0); // CMSG_LEN(4)
  control.bytes.writeInt32LE(SOL_SOCKET, 8);
  control.bytes.writeInt32LE(SCM_RIGHTS, 12);
  control.bytes.writeInt32LE(descriptor, 16);
  const header = zeros(56);
  header.bytes.writeBigUInt64LE(1n, 24); // msg_iovlen
  header.bytes.writeBigUInt64LE(BigInt(control.bytes.length), 40); // msg_controllen
  const pointers = [
    { at: 16, to: { blob: { ...vector, pointers: [{ at: 0, to: { blob: record } }] } } },
    { at: 32, to: { blob: control } },
  ];
  return { ...header, pointers };
}

/** Lets through what the rows behind it need. */
function ownFilter(signalScope: boolean): Buffer {
  const { read, write, sendmsg, dup2, close_range, kill, exit_group } = X86_64;
  return onlyCalls([read, write, sendmsg, dup2, close_range, exit_group, ...(signalScope ? [kill] : [])]);
}

/** A filter that kills for any other call than these: no program but ours ever runs under it. */
export function onlyCalls(allowed: readonly number[]): Buffer {
  const instructions: [code: number, jt: number, jf: number, k: number][] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 0, allowed.length + 1, AUDIT_ARCH_X86_64],
    [LOAD, 0, 0, NUMBER],
  ];
  for (const [index, number] of allowed.entries()) {
    instructions.push([JUMP_EQUAL, allowed.length - index, 0, number]);
  }
  instructions.push([RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS], [RETURN, 0, 0, SECCOMP_RET_ALLOW]);
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(jt, 8 * index + 2);
    bytes.writeUInt8(jf, 8 * index + 3);
    bytes.writeUInt32LE(k, 8 * index + 4);
  }
  return bytes;
}
