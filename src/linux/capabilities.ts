/** Capability sets of this thread (capabilities(7), capget(2)). */
import { X86_64 } from './syscalls.ts';
import { syscallMemory12 } from './libc.ts';

const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

const header = Buffer.alloc(8);
const sets = Buffer.alloc(24);

/** The permitted set as a mask, or a negated error number. */
export function permittedCapabilities(): bigint | number {
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  const result = syscallMemory12(X86_64.capget, header, sets, 0, 0, 0);
  if (result < 0) return result;
  return BigInt(sets.readUInt32LE(4)) | (BigInt(sets.readUInt32LE(16)) << 32n);
}

/** Makes effective and permitted set this mask, and the inheritable set empty. 0, or a negated error number. */
export function limitCapabilities(kept: bigint): number {
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  sets.fill(0);
  for (const half of [0, 1]) {
    const bits = Number(BigInt.asUintN(32, kept >> BigInt(32 * half)));
    sets.writeUInt32LE(bits, 12 * half);
    sets.writeUInt32LE(bits, 12 * half + 4);
  }
  return syscallMemory12(X86_64.capset, header, sets, 0, 0, 0);
}
