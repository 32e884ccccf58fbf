/** A process that ends with the one that has started it (prctl(2), PR_SET_PDEATHSIG). */
import { exitNow, prctl } from './libc.ts';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const FAILURE = 125;

let parent: number | undefined;

/** @param pid of the parent; where that has ended by now, this process ends too */
export function endWithParent(pid: number): void {
  parent = pid;
  endWithParentAgain();
}

/** To be called when this thread has changed its credentials: the kernel forgets it then. Nothing where nobody asked for it. */
export function endWithParentAgain(): void {
  if (parent === undefined) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (process.ppid !== parent) exitNow(FAILURE);
}
