/** Constants and structs of seccomp(2) and seccomp_unotify(2) (include/uapi/linux/seccomp.h). */
import { Errno } from './errno.ts';
import { addressOf, ioctlInteger, syscall, syscallMemory3 } from './libc.ts';

const SYS_SECCOMP = 317;
export const SECCOMP_SET_MODE_STRICT = 0;
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_FILTER_FLAG_TSYNC = 1;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3;
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5;

export const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
export const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
export const SECCOMP_IOCTL_NOTIF_ADDFD = 0x40182103;
export const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;

export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
export const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1;
export const SECCOMP_ADDFD_FLAG_SEND = 1 << 1;

/** struct seccomp_notif: where its fields lie. */
export const Notification = { size: 80, id: 0, pid: 8, number: 16, architecture: 20, args: 32 } as const;
/** struct seccomp_notif_resp. */
export const Response = { size: 24, id: 0, value: 8, error: 16, flags: 20 } as const;
/** struct seccomp_notif_addfd. */
export const AddDescriptor = { size: 24, id: 0, flags: 8, source: 12, target: 16, targetFlags: 20 } as const;

/**
 * Whether the kernel knows a flag of SECCOMP_SET_MODE_FILTER. Asked without effect: with a known flag the kernel goes
 * on to read the filter, which is nowhere (EFAULT); an unknown one is refused first (EINVAL).
 */
export function knowsFilterFlag(flag: number): boolean {
  return syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, flag, 0, 0, 0, 0) === -Errno.EFAULT;
}

/** Asks for a wake-up on the same CPU (Linux 6.6); false where the kernel has none. */
export function setSyncWakeUp(listener: number): boolean {
  return ioctlInteger(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) >= 0;
}

/** Installs a filter (struct sock_filter[]) on the calling thread, for good. 0, or a negated error number. */
export function installFilter(instructions: Uint8Array): number {
  const program = Buffer.alloc(16); // struct sock_fprog
  program.writeUInt16LE(instructions.length / 8, 0);
  program.writeBigUInt64LE(addressOf(instructions), 8);
  return syscallMemory3(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, program, 0, 0);
}
