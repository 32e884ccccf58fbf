/**
 * Files of /proc about processes outside the sandbox. The kernel asks whether whoever opens one may trace its process
 * (proc(5)), and the supervisor may trace many that a target may not: it opens none of them for reading on its behalf. What
 * may be written to is the policy's to say.
 */
import { PROC_SUPER_MAGIC, S_IFDIR, S_IFMT, fileSystemType } from '../../linux/files.ts';
import type { Members } from '../members.ts';
import { targetStatus, type TargetStatus } from '../target.ts';
import type { OpenObject } from './object.ts';

const PROC = '/proc/';
const PROCESS_FILE = /^\/proc\/(\d+)\//;

/** True where an object tells of a process that is not of the sandbox, or may do so. Directories tell nothing. */
export function isOfForeignProcess(object: OpenObject, caller: TargetStatus, members: Members): boolean {
  const type = fileSystemType(object.descriptor);
  if ((type >= 0 && type !== PROC_SUPER_MAGIC) || (object.mode & S_IFMT) === S_IFDIR) return false;
  const path = object.path.toString('latin1');
  // In a second /proc, mounted elsewhere, numbers may mean other processes.
  if (!path.startsWith(PROC)) return true;
  const number = PROCESS_FILE.exec(path)?.[1];
  if (number === undefined) return false;
  const owner = targetStatus(Number(number));
  return typeof owner === 'number' || (owner.tgid !== caller.tgid && !members.has(owner.tgid));
}
