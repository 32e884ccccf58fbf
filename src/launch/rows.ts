/**
 * A launch plan as the rows of the launcher's table. Each group of rows is a function of its own: another engine
 * needs other groups of them.
 */
import { boundingCapabilities } from '../linux/capabilities.ts';
import { Errno } from '../linux/errno.ts';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from '../linux/seccomp.ts';
import { NO_CORE, RLIMIT_CORE } from '../linux/core-limit.ts';
import { RLIMIT_FSIZE } from '../linux/limits.ts';
import { RLIMIT_NOFILE, encodeLimit, type OpenFilesLimit } from '../linux/open-files.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { filterBlob, recordBlob, recordValue, stringArrayBlob, stringBlob, zeros } from './blobs.ts';
import type { Row } from './image.ts';
import { Descriptor, Kind } from './protocol.ts';
import { watchdogRows } from './watchdog.ts';

/** What is put in force, and by whose means. */
export interface Enforcement {
  /** struct sock_filter[]. */
  readonly filter: Buffer | undefined;
  /** Whether the filter has a listener that is handed to the supervisor. */
  readonly listener: boolean;
  /** Whether the kernel knows SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV; of no effect without a listener. */
  readonly waitKillable: boolean;
  /** Whether a Landlock ruleset is handed down, to be enforced. */
  readonly landlock: boolean;
  /** Whether that ruleset scopes signals (LANDLOCK_SCOPE_SIGNAL). */
  readonly signalScope: boolean;
  /** Whether no core is to be dumped: the kernel does it without a call that could be judged (core(5)). */
  readonly withoutCores?: boolean;
  /** The set of capabilities to keep, none of which the caller lacks; undefined: leave them alone. */
  readonly dropCapabilities: bigint | undefined;
  /** What the bounding set of the process may hold, where it is not inherited from this one. */
  readonly bounding?: readonly number[];
}

/** What the launcher has to put in force, and what to start under it. */
export interface LaunchPlan extends Enforcement {
  /** The path to execute, resolved already. */
  readonly command: Buffer;
  /** What the command sees as its arguments; the first is its name. */
  readonly argv: readonly Buffer[];
  /** The limit of open files to give back; undefined: leave it alone. */
  readonly openFiles?: OpenFilesLimit | undefined;
  /** The limit of file sizes to give back; undefined: leave it alone. */
  readonly fileSize?: OpenFilesLimit | undefined;
  /** Signals that the command ignores from the start, as it would have inherited it. */
  readonly ignoredSignals?: readonly number[];
}

/** What a file that is no executable is run by, as execvp(3) has it. */
export const SHELL = '/bin/sh';
const SIGKILL = 9;
const SIGCHLD = 17;
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;
const CLONE_FILES = 0x400;
const CLONE_PARENT = 0x8000;
const CLOSE_RANGE_CLOEXEC = 1 << 2;

/** The rows that do the plan, in order. Throws a RangeError when the plan contradicts itself. */
export function launchRows(plan: LaunchPlan): Row[] {
  const watchdog = plan.listener ? watchdogRows(plan.signalScope) : [];
  return [
    ...parentRows(),
    ...enforcementRows(plan, watchdog[0] === undefined ? [] : cloneRows(watchdog[0]), [
      ...(plan.openFiles === undefined ? [] : limitRows(RLIMIT_NOFILE, plan.openFiles)),
      ...(plan.fileSize === undefined ? [] : limitRows(RLIMIT_FSIZE, plan.fileSize)),
      ...(plan.ignoredSignals ?? []).map(ignoreRow),
    ]),
    ...wordRows(),
    ...executeRows(plan.command, plan.argv),
    ...watchdog,
  ];
}

/**
 * The rows that put a plan in force. Throws a RangeError when it contradicts itself.
 * @param watchdog starts the watchdog, where there is one
 * @param own what whoever starts the process has to put right, done before anything can forbid it
 */
export function enforcementRows(
  plan: Enforcement,
  watchdog: readonly Row[],
  own: readonly Row[] = [],
): Row[] {
  if (plan.listener && plan.filter === undefined) throw new RangeError('a listener needs a filter');
  if (plan.signalScope && !plan.landlock) throw new RangeError('a signal scope needs a Landlock ruleset');
  return [
    ...privilegeRows(),
    ...own,
    ...(plan.withoutCores === true ? coreRows() : []),
    ...(plan.dropCapabilities === undefined ? [] : capabilityRows(plan.dropCapabilities, plan.bounding)),
    ...(plan.listener ? [] : dumpableRows()),
    ...(plan.landlock ? landlockRows() : []),
    ...watchdog,
    // Once more: in a domain of its own the command is in the watchdog's reach, and the watchdog is out of the command's.
    ...(watchdog.length > 0 && plan.signalScope ? landlockRows() : []),
    ...(plan.filter === undefined ? [] : filterRows(plan.filter, plan.listener, plan.waitKillable)),
  ];
}

/** Not to outlive the supervisor. */
function parentRows(): Row[] {
  return [row('prctl PR_SET_PDEATHSIG', X86_64.prctl, [PR_SET_PDEATHSIG, SIGKILL])];
}

/** No program gains privileges by execve(2) from here on; Landlock and seccomp demand it. */
function privilegeRows(): Row[] {
  return [row('prctl PR_SET_NO_NEW_PRIVS', X86_64.prctl, [PR_SET_NO_NEW_PRIVS, 1])];
}

/** Node has raised that of open files, the supervisor that of file sizes (getrlimit(2)). */
function limitRows(resource: number, limit: OpenFilesLimit): Row[] {
  const value = zeros(16);
  encodeLimit(limit).copy(value.bytes);
  return [row('prlimit64', X86_64.prlimit64, [0, resource, { blob: value }, 0])];
}

/** SIG_IGN, which execve(2) keeps (signal(7)). */
function ignoreRow(signal: number): Row {
  const action = zeros(32); // struct sigaction of the kernel: the handler comes first
  action.bytes.writeBigUInt64LE(1n);
  return row('rt_sigaction', X86_64.rt_sigaction, [signal, { blob: action }, 0, 8]);
}

/** A hard limit of 0 cannot be raised by everybody. No file is written then either. */
function coreRows(): Row[] {
  return limitRows(RLIMIT_CORE, NO_CORE).map((limit) => ({ ...limit, tolerate: Errno.EPERM }));
}

/**
 * Gives up every capability that is not in `kept` (capabilities(7)).
 * @param all what the bounding set may hold; as a rule what that of this process holds
 */
export function capabilityRows(kept: bigint, all: readonly number[] = boundingCapabilities()): Row[] {
  const low = Number(kept & 0xffff_ffffn);
  const high = Number(kept >> 32n);
  // With no_new_privs no execve(2) can raise what capset(2) lowers, so the bounding set may refuse: for want of
  // CAP_SETPCAP.
  const bounding = all
    .filter((capability) => (((capability < 32 ? low : high) >>> (capability & 31)) & 1) === 0)
    .map((capability): Row => {
      const drop = row('prctl PR_CAPBSET_DROP', X86_64.prctl, [PR_CAPBSET_DROP, capability]);
      return { ...drop, tolerate: 'all' };
    });
  const header = zeros(8);
  header.bytes.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  const sets = zeros(24); // twice {effective, permitted, inheritable}: low halves, high halves
  for (const [half, bits] of [low, high].entries()) {
    sets.bytes.writeUInt32LE(bits, 12 * half);
    sets.bytes.writeUInt32LE(bits, 12 * half + 4);
  }
  return [
    ...bounding,
    row('prctl PR_CAP_AMBIENT', X86_64.prctl, [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL]),
    row('capset', X86_64.capset, [{ blob: header }, { blob: sets }]),
  ];
}

/** To be traced: a program that gained capabilities by execve(2), if only to lose them, may not be looked into. */
export function dumpableRows(): Row[] {
  return [row('prctl PR_SET_DUMPABLE', X86_64.prctl, [PR_SET_DUMPABLE, 1])];
}

function landlockRows(): Row[] {
  return [row('landlock_restrict_self', X86_64.landlock_restrict_self, [Descriptor.ruleset, 0])];
}

/** Starts the watchdog: it shares the descriptors, not the memory, and is the supervisor's child. */
function cloneRows(watchdog: Row): Row[] {
  const record = recordBlob(Kind.watchdog);
  return [
    {
      ...row('clone', X86_64.clone, [CLONE_FILES | CLONE_PARENT | SIGCHLD]),
      result: recordValue(record),
      onZero: watchdog,
    },
    row('write', X86_64.write, [Descriptor.report, { blob: record }, record.bytes.length]),
  ];
}

function filterRows(filter: Buffer, listener: boolean, waitKillable: boolean): Row[] {
  const install = (flags: number): Row =>
    row('seccomp', X86_64.seccomp, [SECCOMP_SET_MODE_FILTER, flags, { blob: filterBlob(filter) }]);
  if (!listener) return [install(0)];
  const record = recordBlob(Kind.listener);
  const killable = waitKillable ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0;
  return [
    { ...install(SECCOMP_FILTER_FLAG_NEW_LISTENER | killable), result: recordValue(record) },
    row('write', X86_64.write, [Descriptor.report, { blob: record }, record.bytes.length]),
  ];
}

/** Waits until the supervisor says to go on. */
function wordRows(): Row[] {
  return [{ ...row('read', X86_64.read, [Descriptor.report, { blob: zeros(8) }, 1]), stopAtZero: true }];
}

/** Becomes the command, with nothing open but standard input, output and error. */
function executeRows(command: Buffer, argv: readonly Buffer[]): Row[] {
  const shellWords = [SHELL, scriptName(command), ...argv.slice(1)];
  const execute = (name: string, path: string | Buffer, words: readonly (string | Buffer)[]): Row => ({
    ...row(name, X86_64.execve, [{ blob: stringBlob(path) }, { blob: stringArrayBlob(words) }]),
    environment: true,
  });
  return [
    row('close_range', X86_64.close_range, [Descriptor.report, 0xffff_ffff, CLOSE_RANGE_CLOEXEC]),
    { ...execute('execve', command, argv), tolerate: Errno.ENOEXEC },
    execute(`execve ${SHELL}`, SHELL, shellWords),
  ];
}

/** The shell would take a leading dash for an option. */
export function scriptName(command: Buffer): Buffer {
  return command[0] === 0x2d ? Buffer.concat([Buffer.from('./'), command]) : command;
}

function row(name: string, number: number, args: Row['arguments']): Row {
  return { name, number, arguments: args, report: Descriptor.report };
}
