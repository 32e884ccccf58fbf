/** Files that live in no directory (memfd_create(2)): the target's own, whatever is done to them. */
import { fstat } from '../../linux/files.ts';
import { close, memfdCreate } from '../../linux/libc.ts';
import type { ResolvedObject } from '../target/resolved.ts';

const MFD_CLOEXEC = 1;
const NAME = Buffer.from('/memfd:');

let memoryDevice: bigint | undefined;

/** True for a memfd: named as one by the kernel, and on the one file system that only holds such files. */
export function isAnonymousMemory(object: Pick<ResolvedObject, 'path' | 'descriptor'>): boolean {
  if (!object.path.subarray(0, NAME.length).equals(NAME)) return false;
  const status = fstat(object.descriptor);
  return typeof status !== 'number' && status.links === 0 && status.device === deviceOfMemoryFiles();
}

function deviceOfMemoryFiles(): bigint | undefined {
  if (memoryDevice !== undefined) return memoryDevice;
  const descriptor = memfdCreate('secfilt', MFD_CLOEXEC);
  if (descriptor < 0) return undefined;
  const status = fstat(descriptor);
  close(descriptor);
  if (typeof status !== 'number') memoryDevice = status.device;
  return memoryDevice;
}
