/**
 * Whether processes of the sandbox share descriptor tables: clone(2) with CLONE_FILES and without CLONE_THREAD. Where
 * none ever did, nobody but a process's own threads changes what its descriptors are.
 */
import { CLONE_FILES, CLONE_NEW, CLONE_THREAD, CLONE_UNTRACED } from '../../linux/clone-flags.ts';
import { readProcText } from '../../linux/files.ts';
import { CONTINUE_CALL, type Referral, type Reply } from '../referral.ts';

export class DescriptorTables {
  /** True from the first process on that was born with another's table: it could pass it on unseen. */
  shared = false;

  /**
   * Looks at what a descriptor is while nobody can make it another: only once the thread that waits in the call is known
   * to be the only one that has its descriptors, so that what was seen holds until it has its answer.
   * @returns what `look` returned; undefined, mostly without a look, where somebody might have changed it
   */
  whileAlone<Result>(referral: Referral, look: () => Result): Result | undefined {
    if (!this.#isAlone(referral.tid)) return undefined;
    const seen = look();
    return referral.isCurrent() ? seen : undefined;
  }

  #isAlone(tid: number): boolean {
    if (this.shared) return false;
    const text = readProcText(`/proc/${tid}/status`);
    return typeof text !== 'number' && /^Threads:\t1$/m.test(text);
  }
}

/** True for the flags of a clone that is allowed and is referred since it shares the table. */
export function sharesTable(flags: number): boolean {
  return (flags & CLONE_FILES) !== 0 && (flags & (CLONE_THREAD | CLONE_NEW | CLONE_UNTRACED)) === 0;
}

/** The filter refers a clone that shares the table, which is noted before there is a child. */
export function clone(
  _referral: Referral,
  { descriptorTables }: { readonly descriptorTables: DescriptorTables },
): Reply {
  descriptorTables.shared = true;
  return CONTINUE_CALL;
}
