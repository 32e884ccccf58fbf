/**
 * Calls about which Landlock decides all that the policy says. They may go on for threads whose rights are not the
 * supervisor's: nothing could be performed for those, and what the kernel does it does with the thread's own rights.
 */
import { O_ACCMODE, O_RDWR, O_TRUNC, O_WRONLY, S_IFBLK, S_IFCHR, S_IFMT } from '../../linux/files.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';

const NAMES = new Set<number>([
  X86_64.creat,
  X86_64.mkdir,
  X86_64.mkdirat,
  X86_64.symlink,
  X86_64.symlinkat,
  X86_64.unlink,
  X86_64.unlinkat,
  X86_64.rmdir,
  // They change nothing.
  X86_64.access,
  X86_64.faccessat,
  X86_64.faccessat2,
]);

/**
 * False also for what changes a file without opening it for writing, and where the flags lie in memory.
 * @param readingJudged whether something may be read is for the supervisor to say
 */
export function landlockDecides(referral: Referral, readingJudged: boolean): boolean {
  switch (referral.number) {
    case X86_64.open:
      return decidesOpen(referral.int(1), readingJudged);
    case X86_64.openat:
      return decidesOpen(referral.int(2), readingJudged);
    // By another name what may not be read could be.
    case X86_64.rename:
    case X86_64.renameat:
    case X86_64.renameat2:
    case X86_64.link:
    case X86_64.linkat:
      return !readingJudged;
    case X86_64.mknod:
      return !isDevice(referral.uint(1));
    case X86_64.mknodat:
      return !isDevice(referral.uint(2));
    default:
      return NAMES.has(referral.number);
  }
}

function decidesOpen(flags: number, readingJudged: boolean): boolean {
  return !truncatesUnwritten(flags) && (!readingJudged || (flags & O_ACCMODE) === O_WRONLY);
}

/** Device nodes are never made, wherever files may be. */
function isDevice(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFCHR || type === S_IFBLK;
}

/** Access mode 3 opens for neither reading nor writing, and truncates all the same (open(2), "File access mode"). */
export function truncatesUnwritten(flags: number): boolean {
  const mode = flags & O_ACCMODE;
  return (flags & O_TRUNC) !== 0 && mode !== O_WRONLY && mode !== O_RDWR;
}
