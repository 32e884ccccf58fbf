/** Where a path of the target begins. */
import { Errno } from '../../linux/errno.ts';
import { AT_FDCWD, openPathText } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { close } from '../../linux/libc.ts';

const SLASH = 0x2f;

/**
 * Where a relative path starts: AT_FDCWD itself for absolute paths, else an open directory of the target.
 * Returns a negated error number where there is none.
 */
export function openStart(tid: number, directory: number, path: Uint8Array): number {
  if (path[0] === SLASH) return AT_FDCWD;
  if (directory === AT_FDCWD) return openLooking(`/proc/${tid}/cwd`);
  if (directory < 0) return -Errno.EBADF;
  return openTargetDescriptor(tid, directory);
}

/** Opens what a target's descriptor refers to, with O_PATH. Returns a descriptor, or a negated error number. */
export function openTargetDescriptor(tid: number, descriptor: number): number {
  if (descriptor < 0) return -Errno.EBADF;
  const result = openLooking(`/proc/${tid}/fd/${descriptor}`);
  return result === -Errno.ENOENT ? -Errno.EBADF : result;
}

function openLooking(path: string): number {
  const result = openPathText(path);
  return result === -Errno.EACCES || result === -Errno.EPERM ? looking(() => openPathText(path)) : result;
}

export function closeStart(start: number): void {
  if (start >= 0) close(start);
}

export function isNegated(result: number): boolean {
  return result < 0 && result !== AT_FDCWD;
}
