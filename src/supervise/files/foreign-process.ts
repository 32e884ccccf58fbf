/**
 * Files of /proc about processes outside the sandbox. The kernel asks whether whoever opens one may trace its process
 * (proc(5)), and the supervisor may trace many that a target may not: it opens none of them for reading on its behalf. What
 * may be written to is the policy's to say.
 */
import { Errno } from '../../linux/errno.ts';
import { PROC_SUPER_MAGIC, S_IFDIR, S_IFMT, fileSystemType } from '../../linux/files.ts';
import type { Members } from '../target/members.ts';
import { targetStatus, type TargetStatus } from '../target/target.ts';

const PROC = '/proc/';
/**
 * What the kernel tells everybody who asks (fs/proc/base.c: without a look at who may trace whom, or with one at each read, of who
 * reads): ps(1) lives on it.
 */
const PUBLIC_FILE =
  /^\/proc\/\d+\/(?:task\/\d+\/)?(?:autogroup|cgroup|cmdline|comm|cpuset|gid_map|limits|loginuid|mountinfo|mounts|mountstats|oom_adj|oom_score|oom_score_adj|projid_map|sched|schedstat|sessionid|setgroups|stat|statm|status|uid_map|wchan)$/;
const PROCESS_FILE = /^\/proc\/(\d+)\//;

/** An open object (O_PATH will do), its path as the kernel names it. */
export interface OpenFile {
  readonly descriptor: number;
  readonly path: Buffer;
  /** Type and permission bits. */
  readonly mode: number;
}

/** True where an object tells more of a process that is not of the sandbox than everybody is told, or may do so. Directories tell nothing. */
export function isOfForeignProcess(object: OpenFile, caller: TargetStatus, members: Members): boolean {
  if (PUBLIC_FILE.test(object.path.toString('latin1')) && isOnProc(object)) return false;
  const owner = processOfFile(object);
  return owner !== undefined && owner !== caller.tgid && (owner < 0 || !members.has(owner));
}

/**
 * The process that a file of /proc is about; a negated error number where it cannot be known, undefined where the object is
 * about none.
 */
export function processOfFile(object: OpenFile): number | undefined {
  const type = fileSystemType(object.descriptor);
  if ((type >= 0 && type !== PROC_SUPER_MAGIC) || (object.mode & S_IFMT) === S_IFDIR) return undefined;
  const path = object.path.toString('latin1');
  // In a second /proc, mounted elsewhere, numbers may mean other processes.
  if (!path.startsWith(PROC)) return -Errno.ESRCH;
  const number = PROCESS_FILE.exec(path)?.[1];
  if (number === undefined) return undefined;
  const owner = targetStatus(Number(number));
  return typeof owner === 'number' ? owner : owner.tgid;
}

function isOnProc({ descriptor }: OpenFile): boolean {
  return fileSystemType(descriptor) === PROC_SUPER_MAGIC;
}
