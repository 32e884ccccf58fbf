/**
 * What a filter sees of a call: `struct seccomp_data` (linux/seccomp.h), and the architectures it names
 * (linux/audit.h). Little-endian, as both x86-64 and arm64 are.
 */

export const AUDIT_ARCH_I386 = 0x40000003;
export const AUDIT_ARCH_X86_64 = 0xc000003e;
export const AUDIT_ARCH_AARCH64 = 0xc00000b7;

/** Set in the number of every x32 call on x86-64 (__X32_SYSCALL_BIT of asm/unistd.h). */
export const X32_SYSCALL_BIT = 0x40000000;

/** sizeof(struct seccomp_data), in bytes. */
export const SECCOMP_DATA_SIZE = 64;

// Offsets in bytes, each of a 32-bit word.
export const NUMBER = 0;
export const ARCHITECTURE = 4;
export const INSTRUCTION_POINTER = 8;
export const ARGUMENTS = 16;

/** Offset of the low half of the argument with this index, 0 to 5. */
export function lowHalf(index: number): number {
  return ARGUMENTS + 8 * index;
}

/** Offset of the high half of the argument with this index, 0 to 5. */
export function highHalf(index: number): number {
  return lowHalf(index) + 4;
}
