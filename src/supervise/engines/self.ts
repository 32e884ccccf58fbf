/** What the supervisor does to itself before a target exists: out of reach, and with no more rights than it needs. */
import {
  CAP_SYS_PTRACE,
  limitBoundingSet,
  permittedCapabilities,
  setCapabilities,
} from '../../linux/capabilities.ts';
import { Errno, SyscallError } from '../../linux/errno.ts';
import { ignoreSignal, prctl, readlinkText } from '../../linux/libc.ts';
import { prepareImpersonation } from '../../linux/impersonation.ts';
import { raiseFileSize } from '../../launch/file-size.ts';
import { threadCredentials } from '../target/credentials.ts';
import { targetStatus } from '../target/target.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGTTIN = 21;
const SIGTTOU = 22;

/**
 * The capabilities that a sandbox of root's keeps (capabilities(7)): those that files of several owners and changing
 * to another user need. None that reaches the kernel, devices, the network's insides or other processes' memory.
 */
export const KEPT_CAPABILITIES =
  (1n << 0n) /* CAP_CHOWN */ |
  (1n << 1n) /* CAP_DAC_OVERRIDE */ |
  (1n << 3n) /* CAP_FOWNER */ |
  (1n << 4n) /* CAP_FSETID */ |
  (1n << 5n) /* CAP_KILL */ |
  (1n << 6n) /* CAP_SETGID */ |
  (1n << 7n) /* CAP_SETUID */ |
  (1n << 10n); /* CAP_NET_BIND_SERVICE */

const WRONG_PROC = 'mount the /proc of this PID namespace (unshare --mount-proc)';
const name = Buffer.alloc(16);
const PERMITTED = /(?<=^CapPrm:\t)[0-9a-f]+(?=[^]*^CapEff:\t([0-9a-f]+)$)/m;
const FILTERS = /(?<=^Seccomp_filters:\t)\d+$/m;

export interface OwnIdentity {
  /** What the credentials of a target are that may do no less than we do (`TargetStatus`). */
  readonly credentials: string;
  readonly userId: number;
  /** How many filters we are under ourselves. */
  readonly filters: number;
  /** The capabilities that are left; undefined where there were none to begin with. */
  readonly capabilities: bigint | undefined;
}

/**
 * Makes this process undumpable (no ptrace, no look into its memory or descriptors), deaf to the signal that opens
 * Node's inspector, the parent of every orphan of the sandbox, and free of a soft limit of file sizes. Throws a SyscallError.
 */
export function protectSelf(): void {
  process.on('SIGUSR1', () => {});
  // A target that makes itself the terminal's foreground would stop us at our next word there, and one in our group whenever
  // it reads from the background. Launcher and replacement give them their default action back.
  ignoreSignal(SIGTTIN);
  ignoreSignal(SIGTTOU);
  raiseFileSize();
  const undumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (undumpable < 0) throw new SyscallError('prctl PR_SET_DUMPABLE', -undumpable);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/**
 * That /proc is of our own PID namespace (pid_namespaces(7), "/proc and PID namespaces"): else its numbers mean other processes.
 * Throws a SyscallError.
 */
function checkProc(): void {
  if (readlinkText('/proc/self', name, name.length) < 0) return;
  const own = String(process.pid);
  const found = name.toString('latin1', 0, own.length + 1).replace(/\0.*$/s, '');
  if (found !== own) throw new SyscallError('readlink /proc/self', Errno.ESRCH, WRONG_PROC);
}

/** Gives up the capabilities that no sandbox has, and notes who we are. Throws a SyscallError. */
export function identifySelf(): OwnIdentity {
  checkProc();
  const capabilities = limitOwnCapabilities();
  const status = targetStatus('self');
  if (typeof status === 'number') throw new SyscallError('read /proc/self/status', -status);
  // A target has one filter more than we have.
  const credentials = status.credentials
    .replace(FILTERS, (count) => `${Number(count) + 1}`)
    // Nor has it what we keep to look at targets with.
    .replace(PERMITTED, (_set, effective: string) => effective);
  const ours = threadCredentials(status.credentials);
  if (ours !== undefined && capabilities !== undefined) prepareImpersonation(ours, permittedSet());
  const filters = Number(FILTERS.exec(status.credentials)?.[0]);
  return { credentials, userId: process.geteuid?.() ?? -1, filters, capabilities };
}

function permittedSet(): bigint {
  const permitted = permittedCapabilities();
  return typeof permitted === 'number' ? 0n : permitted;
}

function limitOwnCapabilities(): bigint | undefined {
  const permitted = permittedCapabilities();
  if (typeof permitted === 'number') throw new SyscallError('capget', -permitted);
  if (permitted === 0n) return undefined;
  // Others than root lose all with the next program anyway (capabilities(7), execve): the launcher had none to keep.
  const kept = process.geteuid?.() === 0 ? permitted & KEPT_CAPABILITIES : 0n;
  // First, as it needs a capability itself. What is started from here on has no more, not even as root.
  limitBoundingSet(kept);
  // To look at targets of other users with; it is effective for that alone, and no program that we start gets it.
  const result = setCapabilities(
    kept,
    process.geteuid?.() === 0 ? kept | (permitted & CAP_SYS_PTRACE) : kept,
  );
  if (result < 0) throw new SyscallError('capset', -result);
  return kept;
}
