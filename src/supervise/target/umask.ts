/** Makes something with the target's umask, as the kernel would: default ACLs then work as they do natively. */
import { umask } from '../../linux/libc.ts';

export function underUmask(mask: number, make: () => number): number {
  const before = umask(mask);
  try {
    return make();
  } finally {
    umask(before);
  }
}
