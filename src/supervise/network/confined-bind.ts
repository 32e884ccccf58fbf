/**
 * A bind(2) that can make a socket in one allowed tree only: done by a helper process that Landlock confines to it.
 *
 * The kernel looks the path up by itself, and the target may move directories and links meanwhile. Where its own
 * changes are the kernel's to allow, nobody but the kernel can stop that.
 */
import { Errno } from '../../linux/errno.ts';
import { AccessFs, addPathRule, createRuleset } from '../../linux/landlock.ts';
import { close, poll } from '../../linux/libc.ts';
import { pidfdOpen, killChild, waitProcess } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { zeros } from '../../launch/blobs.ts';
import { buildImage, type Row } from '../../launch/image.ts';
import { LaunchError } from '../../launch/launch-error.ts';
import { duplicateHigh, startImage } from '../../launch/start.ts';

const PR_SET_NO_NEW_PRIVS = 38;
/** The helper's descriptors. */
const Helper = { ruleset: 3, directory: 4, socket: 5 } as const;
/** Milliseconds that a helper is given: the path may lead to a file system that does not answer. */
const LONGEST = 500;
const POLLIN = 1;
/** Any ABI can confine the making of sockets. */
const FIRST_ABI = 1;

/**
 * @param allowed the directory (O_PATH) where a socket may be made, or anywhere below: all of that is allowed
 * @param start the working directory (O_PATH)
 * @returns 0, or a negated error number: EACCES where the path led out of the directory, ENOEXEC where there was no helper
 */
export function confinedBind(allowed: number, start: number, socket: number, address: Uint8Array): number {
  const ruleset = makeRuleset(allowed);
  if (ruleset < 0) return -Errno.ENOEXEC;
  const descriptors = new Map([
    [Helper.ruleset, duplicateHigh(ruleset)],
    [Helper.directory, duplicateHigh(start)],
    [Helper.socket, duplicateHigh(socket)],
  ]);
  const sources = [...descriptors.values()];
  const result = sources.every((source) => source >= 0) ? runHelper(address, descriptors) : -Errno.EMFILE;
  for (const source of [...sources, ruleset]) if (source >= 0) close(source);
  return result;
}

function makeRuleset(allowed: number): number {
  const attributes = { handledAccessFs: AccessFs.MAKE_SOCK, handledAccessNet: 0, scoped: 0 };
  const ruleset = createRuleset(attributes, FIRST_ABI);
  if (ruleset < 0) return ruleset;
  const result = addPathRule(ruleset, AccessFs.MAKE_SOCK, allowed);
  if (result >= 0) return ruleset;
  close(ruleset);
  return result;
}

/** The helper's exit code is the negated error number, of which eight bits are left. */
function helperRows(address: Uint8Array): Row[] {
  const name = zeros(address.length);
  name.bytes.set(address);
  const exit: Row = { name: 'exit_group', number: X86_64.exit_group, arguments: [0] };
  return [
    { name: 'prctl', number: X86_64.prctl, arguments: [PR_SET_NO_NEW_PRIVS, 1] },
    { name: 'landlock_restrict_self', number: X86_64.landlock_restrict_self, arguments: [Helper.ruleset, 0] },
    { name: 'fchdir', number: X86_64.fchdir, arguments: [Helper.directory] },
    {
      name: 'bind',
      number: X86_64.bind,
      arguments: [Helper.socket, { blob: name }, address.length],
      tolerate: 'all',
      result: { row: exit, argument: 0 },
    },
    exit,
  ];
}

function runHelper(address: Uint8Array, descriptors: ReadonlyMap<number, number>): number {
  const pid = startHelper(buildImage(helperRows(address)), descriptors);
  if (pid < 0) return pid;
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) return pidfd;
  // Where it can be neither waited for nor killed nobody waits for it.
  const ends = endsWithin(pidfd, LONGEST) || killChild(pid, pidfd);
  const end = ends ? waitProcess(pidfd) : undefined;
  close(pidfd);
  if (typeof end !== 'object' || end.kind !== 'exit') return -Errno.ENOEXEC;
  return end.code === 0 ? 0 : end.code - 256;
}

function endsWithin(pidfd: number, milliseconds: number): boolean {
  const set = Buffer.alloc(8); // struct pollfd
  set.writeInt32LE(pidfd, 0);
  set.writeInt16LE(POLLIN, 4);
  return poll(set, 1, milliseconds) > 0;
}

function startHelper(image: Buffer, descriptors: ReadonlyMap<number, number>): number {
  try {
    return startImage(image, { descriptors, defaultSignals: [], from: ['memory', 'file'] });
  } catch (error) {
    if (error instanceof LaunchError) return -Errno.ENOEXEC;
    throw error;
  }
}
