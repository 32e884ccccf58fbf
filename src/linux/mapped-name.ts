/**
 * The name of an open file as the list of mappings has it (proc(5), /proc/PID/maps): there the kernel tells paths of any length,
 * while a link in /proc ends at PATH_MAX.
 */
import { Errno } from './errno.ts';
import { AT_FDCWD, O_CLOEXEC, PATH_MAX } from './files.ts';
import { close, openText, read, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const PROT_NONE = 0;
const MAP_PRIVATE = 2;
const PAGE = 4096;
/** Where hardly anything lies, and below all else: so it is the first in the list. */
const LOW = 0x1_0000;
const SLASH = 0x2f;
const NEWLINE = 0x0a;
/** The digits that an address has at least. */
const DIGITS = 8;

const chunk = Buffer.alloc(65536);

/**
 * At most PATH_MAX bytes of the name, a newline in it written `\012`; or a negated error number, that of mmap(2) for a file
 * that cannot be mapped: EBADF with O_PATH, EACCES if it is not open for reading, ENODEV.
 */
export function mappedName(file: number): Buffer | number {
  const address = syscall(X86_64.mmap, LOW, PAGE, PROT_NONE, MAP_PRIVATE, file, 0);
  if (address < 0) return address;
  const name = nameAt(address);
  syscall(X86_64.munmap, address, PAGE, 0, 0, 0, 0);
  return name;
}

function nameAt(address: number): Buffer | number {
  const list = openText(AT_FDCWD, '/proc/self/maps', O_CLOEXEC, 0);
  if (list < 0) return list;
  const name = findName(list, Buffer.from(`${address.toString(16).padStart(DIGITS, '0')}-`));
  close(list);
  return name;
}

/** In a list where every mapping is a line, and no name holds a newline. */
function findName(list: number, begin: Buffer): Buffer | number {
  let text = Buffer.alloc(0);
  for (;;) {
    const line = text.subarray(0, begin.length).equals(begin);
    const end = text.indexOf(NEWLINE);
    const slash = line ? text.indexOf(SLASH) : -1;
    const isWhole = end >= 0 || (slash >= 0 && text.length - slash >= PATH_MAX);
    if (line && isWhole) {
      const last = Math.min(end < 0 ? text.length : end, slash + PATH_MAX);
      return slash < 0 || slash > last ? -Errno.ENOENT : Buffer.from(text.subarray(slash, last));
    }
    if (end >= 0) {
      text = text.subarray(end + 1);
      continue;
    }
    const count = read(list, chunk, chunk.length);
    if (count <= 0) return count < 0 ? count : -Errno.ENOENT;
    text = Buffer.concat([text, chunk.subarray(0, count)]);
  }
}
