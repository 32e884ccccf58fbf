/** What a service has to know of a client to start its command as the client itself would. */
import { Errno } from '../linux/errno.ts';
import { openPathText, openProcFile, readProcText } from '../linux/files.ts';
import { looking } from '../linux/impersonation.ts';
import { close, pread, syscall } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';

/** ARG_MAX of a usual stack (execve(2)), and far more than anybody has in their environment. */
const LONGEST = 0x80_0000;
const PIECE = 0x1_0000;
const STREAMS = [0, 1, 2];

/** The arguments of a process; undefined where they cannot be read. */
export function argumentsOf(pid: number): Buffer[] | undefined {
  return wordsIn(`/proc/${pid}/cmdline`);
}

/** What PATH holds for a process; undefined where it has none. */
export function searchPathOf(pid: number): Buffer | undefined {
  const prefix = Buffer.from('PATH=');
  const found = wordsIn(`/proc/${pid}/environ`)?.find((word) =>
    word.subarray(0, prefix.length).equals(prefix),
  );
  return found?.subarray(prefix.length);
}

/** Its working directory (O_PATH), the caller's to close; or a negated error number. */
export function directoryOf(pid: number): number {
  return looking(() => openPathText(`/proc/${pid}/cwd`));
}

/** Copies of its standard streams (close-on-exec), of those that are open. The caller's to close. */
export function streamsOf(pidDescriptor: number): number[] {
  const copies: number[] = [];
  looking(() => {
    // Those that it has were copied, if the first look was not enough for all.
    for (const copy of copies.splice(0)) if (copy >= 0) close(copy);
    for (const stream of STREAMS) copies.push(syscall(X86_64.pidfd_getfd, pidDescriptor, stream, 0, 0, 0, 0));
    return copies.includes(-Errno.EPERM) ? -Errno.EPERM : 0;
  });
  return copies.filter((copy) => copy >= 0);
}

/** The name of its program (proc(5), comm); undefined where it has ended. */
export function nameOf(pid: number): string | undefined {
  const text = readProcText(`/proc/${pid}/comm`);
  return typeof text === 'number' ? undefined : text.trimEnd();
}

/** Words that each end in NUL. */
function wordsIn(path: string): Buffer[] | undefined {
  const descriptor = openProcFile(path);
  if (descriptor < 0) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  for (let count = 1; count > 0 && size < LONGEST; size += Math.max(count, 0)) {
    const piece = Buffer.alloc(PIECE);
    count = pread(descriptor, piece, piece.length, size);
    if (count > 0) pieces.push(piece.subarray(0, count));
  }
  close(descriptor);
  const bytes = Buffer.concat(pieces);
  const words: Buffer[] = [];
  for (let start = 0, end = bytes.indexOf(0); end >= 0; start = end + 1, end = bytes.indexOf(0, start))
    words.push(bytes.subarray(start, end));
  return words;
}
