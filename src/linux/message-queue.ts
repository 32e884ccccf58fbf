/** POSIX message queues (mq_overview(7)): opening and removing them by name. All else is done by descriptor. */
import { syscallMemory1 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

/** Where queues are looked at as files, if somebody has mounted them there. */
export const QUEUE_DIRECTORY = '/dev/mqueue';
/** The magic number of their file system (statfs(2)). */
export const MQUEUE_MAGIC = 0x1980_0202;
/** struct mq_attr: eight long. */
export const ATTRIBUTES_SIZE = 64;

/**
 * mq_open(2) as the kernel has it: the name without the slash that the C library takes off. A descriptor, or a negated error number.
 * @param name bytes that end in NUL
 * @param attributes address of a struct mq_attr, or 0
 */
export function openQueue(name: Uint8Array, flags: number, mode: number, attributes: number): number {
  return syscallMemory1(X86_64.mq_open, name, flags, mode, attributes);
}

/** mq_unlink(2), of such a name. 0, or a negated error number. */
export function removeQueue(name: Uint8Array): number {
  return syscallMemory1(X86_64.mq_unlink, name, 0, 0, 0);
}
