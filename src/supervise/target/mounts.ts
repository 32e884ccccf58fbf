/**
 * Which mounts a path from our root can lead to (mount_namespaces(7)). The sandbox makes no namespaces, but a descriptor
 * of another one may be handed to it, as a standard stream or by SCM_RIGHTS, and there the kernel's names mean other files.
 */
import { readFileSync } from 'node:fs';
import { openPathText, openProcFile } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { close, poll, readlinkText } from '../../linux/libc.ts';
import { mountId } from '../../linux/statx.ts';
import { isInOurNamespace } from './namespaces.ts';

const MOUNTS = '/proc/self/mountinfo';
const POLLPRI = 2;

/** Where the kernel says that mounts have changed (proc(5), mountinfo): at most once for each change. */
let notice = -1;
const waiting = Buffer.alloc(8);
let mounts = new Set<number>();

/** Whether an open file (O_PATH will do) lies in a mount of our view. False also where that cannot be found out. */
export function isInView(descriptor: number): boolean {
  const mount = mountId(descriptor);
  if (mount === undefined) return false;
  if (!haveChanged() && mounts.has(mount)) return true;
  mounts = readMounts();
  return mounts.has(mount);
}

function haveChanged(): boolean {
  if (notice < 0) {
    notice = openProcFile(MOUNTS);
    if (notice < 0) return true;
    waiting.writeInt32LE(notice, 0);
    waiting.writeInt16LE(POLLPRI, 4);
    return true;
  }
  return poll(waiting, 1, 0) !== 0;
}

/** The numbers at the beginning of the lines; what else is in a line has no newlines (seq_path(), in octal). */
function readMounts(): Set<number> {
  const found = new Set<number>();
  // In a chroot(2) the mount of the root directory is not listed.
  const root = openPathText('/');
  found.add(mountId(root) ?? -1);
  if (root >= 0) close(root);
  try {
    for (const [number] of readFileSync(MOUNTS, 'latin1').matchAll(/^\d+(?= )/gm)) found.add(Number(number));
  } catch {
    // Nothing is in view.
  }
  return found;
}

const SLASH = 0x2f;
const root = Buffer.alloc(2);

/** Whether a process has our mount namespace and our root directory: its links in /proc mean here what they mean there. */
export function hasOurView(pid: number): boolean {
  if (!isInOurNamespace(pid, 'mnt')) return false;
  return looking(() => readlinkText(`/proc/${pid}/root`, root, root.length)) === 1 && root[0] === SLASH;
}
