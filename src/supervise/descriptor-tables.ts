/**
 * Whether processes of the sandbox share descriptor tables: clone(2) with CLONE_FILES and without CLONE_THREAD. Where
 * none ever did, nobody but a process's own threads changes what its descriptors are.
 */
import type { ProcessHandler } from './processes.ts';
import { readProcText } from '../linux/files.ts';
import { CONTINUE_CALL } from './referral.ts';

export class DescriptorTables {
  /** True from the first process on that was born with another's table: it could pass it on unseen. */
  shared = false;

  /**
   * True for a thread that waits in a call and is the only one that has its descriptors: until it has its answer, none
   * of them can become another.
   */
  isAlone(tid: number): boolean {
    if (this.shared) return false;
    const text = readProcText(`/proc/${tid}/status`);
    return typeof text !== 'number' && /^Threads:\t1$/m.test(text);
  }
}

/** The filter refers a clone that shares the table, which is noted before there is a child. */
export const clone: ProcessHandler = (_referral, context) => {
  context.descriptorTables.shared = true;
  return CONTINUE_CALL;
};
