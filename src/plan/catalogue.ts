/**
 * Every system call of x86-64 and who decides about it. What is not here (a number beyond the table) is unknown to the
 * filter, which answers ENOSYS.
 */
import type { SyscallName } from '../linux/syscalls.ts';
import type { CallClass } from './catalogue/call-class.ts';
import { FILES } from './catalogue/files.ts';
import { HARMLESS } from './catalogue/harmless.ts';
import { NETWORK } from './catalogue/network.ts';
import { PROCESSES } from './catalogue/processes.ts';
import { GONE, REFUSED } from './catalogue/refused.ts';

export type { CallClass, Judge, RefusalErrno, RegisterRule, Restriction } from './catalogue/call-class.ts';
export { REGISTER_RULES } from './catalogue/call-class.ts';

/** The class of every system call (syscalls(2)). A name that has none does not compile. */
export const CATALOGUE: Readonly<Record<SyscallName, CallClass>> = {
  ...HARMLESS,
  ...FILES,
  ...NETWORK,
  ...PROCESSES,
  ...REFUSED,
  ...GONE,
};
