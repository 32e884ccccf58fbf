/** Which namespaces a process is in (namespaces(7)). */
import { looking } from '../../linux/impersonation.ts';
import { readlinkText } from '../../linux/libc.ts';

const NAME_SIZE = 64;
const [theirs, ours] = [Buffer.alloc(NAME_SIZE), Buffer.alloc(NAME_SIZE)];

/** Whether a process or thread is in our namespace of this kind. False also where that cannot be found out. */
export function isInOurNamespace(pid: number, kind: 'mnt' | 'ipc'): boolean {
  const length = looking(() => readlinkText(`/proc/${pid}/ns/${kind}`, theirs, NAME_SIZE));
  const own = readlinkText(`/proc/self/ns/${kind}`, ours, NAME_SIZE);
  return length > 0 && length === own && theirs.compare(ours, 0, own, 0, length) === 0;
}
