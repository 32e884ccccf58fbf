/** Capability sets of this thread (capabilities(7), capget(2)). */
import { X86_64 } from './syscalls.ts';
import { prctl, syscallMemory12 } from './libc.ts';

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
export const CAP_DAC_OVERRIDE = 1n << 1n;
export const CAP_SETGID = 1n << 6n;
export const CAP_SETUID = 1n << 7n;
export const CAP_SYS_PTRACE = 1n << 19n;

/** A set has so many bits; a kernel knows fewer capabilities. */
const MOST = 64;

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

/** Sets effective and permitted set to these masks, and empties the inheritable set. 0, or a negated error number. */
export function setCapabilities(effective: bigint, permitted: bigint): number {
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  for (const half of [0, 1]) {
    sets.writeUInt32LE(Number(BigInt.asUintN(32, effective >> BigInt(32 * half))), 12 * half);
    sets.writeUInt32LE(Number(BigInt.asUintN(32, permitted >> BigInt(32 * half))), 12 * half + 4);
    sets.writeUInt32LE(0, 12 * half + 8);
  }
  return syscallMemory12(X86_64.capset, header, sets, 0, 0, 0);
}

/** The capabilities in the bounding set, by their numbers. */
export function boundingCapabilities(): number[] {
  const found: number[] = [];
  for (let capability = 0; capability < MOST; capability += 1) {
    const isThere = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (isThere < 0) break;
    if (isThere === 1) found.push(capability);
  }
  return found;
}

/** Takes out of the bounding set what is not in this mask, where that is permitted (CAP_SETPCAP). */
export function limitBoundingSet(kept: bigint): void {
  for (const capability of boundingCapabilities()) {
    if (((kept >> BigInt(capability)) & 1n) === 0n) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}
