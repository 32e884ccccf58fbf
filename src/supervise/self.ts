/** What the supervisor does to itself before a target exists: out of reach, and with no more rights than it needs. */
import { limitBoundingSet, limitCapabilities, permittedCapabilities } from '../linux/capabilities.ts';
import { SyscallError } from '../linux/errno.ts';
import { ignoreSignal, prctl } from '../linux/libc.ts';
import { targetStatus } from './target.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGTTIN = 21;
const SIGTTOU = 22;

/**
 * The capabilities that a sandbox of root's keeps (capabilities(7)): those that files of several owners and changing
 * to another user need. None that reaches the kernel, devices, the network's insides or other processes' memory.
 */
const KEPT_CAPABILITIES =
  (1n << 0n) /* CAP_CHOWN */ |
  (1n << 1n) /* CAP_DAC_OVERRIDE */ |
  (1n << 3n) /* CAP_FOWNER */ |
  (1n << 4n) /* CAP_FSETID */ |
  (1n << 5n) /* CAP_KILL */ |
  (1n << 6n) /* CAP_SETGID */ |
  (1n << 7n) /* CAP_SETUID */ |
  (1n << 10n); /* CAP_NET_BIND_SERVICE */

export interface OwnIdentity {
  /** What the credentials of a target are that may do no less than we do (`TargetStatus`). */
  readonly credentials: string;
  readonly userId: number;
  /** The capabilities that are left; undefined where there were none to begin with. */
  readonly capabilities: bigint | undefined;
}

/**
 * Makes this process undumpable (no ptrace, no look into its memory or descriptors), deaf to the signal that opens
 * Node's inspector, and the parent of every orphan of the sandbox. Throws a SyscallError.
 */
export function protectSelf(): void {
  process.on('SIGUSR1', () => {});
  // A target that makes itself the terminal's foreground would stop us at our next word there, and one in our group whenever
  // it reads from the background. Launcher and replacement give them their default action back.
  ignoreSignal(SIGTTIN);
  ignoreSignal(SIGTTOU);
  const undumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (undumpable < 0) throw new SyscallError('prctl PR_SET_DUMPABLE', -undumpable);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/** Gives up the capabilities that no sandbox has, and notes who we are. Throws a SyscallError. */
export function identifySelf(): OwnIdentity {
  const capabilities = limitOwnCapabilities();
  const status = targetStatus('self');
  if (typeof status === 'number') throw new SyscallError('read /proc/self/status', -status);
  // A target has one filter more than we have.
  const credentials = status.credentials.replace(
    /(?<=^Seccomp_filters:\t)\d+$/m,
    (count) => `${Number(count) + 1}`,
  );
  return { credentials, userId: process.geteuid?.() ?? -1, capabilities };
}

function limitOwnCapabilities(): bigint | undefined {
  const permitted = permittedCapabilities();
  if (typeof permitted === 'number') throw new SyscallError('capget', -permitted);
  if (permitted === 0n) return undefined;
  // Others than root lose all with the next program anyway (capabilities(7), execve): the launcher had none to keep.
  const kept = process.geteuid?.() === 0 ? permitted & KEPT_CAPABILITIES : 0n;
  // First, as it needs a capability itself. What is started from here on has no more, not even as root.
  limitBoundingSet(kept);
  const result = limitCapabilities(kept);
  if (result < 0) throw new SyscallError('capset', -result);
  return kept;
}
