/**
 * Which files the kernel opens besides one that it executes: the interpreter of a script (execve(2)), the loader of a program (elf(5)).
 * What is read here is what the kernel reads. It goes by the machine that an ELF header names, not by its class, so both layouts count.
 */
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, PATH_MAX } from '../../linux/files.ts';
import { close, openText, pread } from '../../linux/libc.ts';

/** What the kernel looks at of a script (BINPRM_BUF_SIZE). */
const SCRIPT_BEGINNING = 256;
const SCRIPT_PATTERN = /^#![ \t]*(?<name>[^ \t\n\0]+)/;
const ELF_MAGIC = '\x7fELF';
const PT_INTERP = 3;
/** Of program headers, in bytes: the kernel loads no more. */
const MOST_HEADERS = 65_536;
/** Mostly all that is looked for lies there. */
const BEGINNING = 4096;

/** Where the fields of one layout lie, in bytes. */
interface Layout {
  readonly tableAt: number;
  readonly countAt: number;
  readonly entrySize: number;
  readonly offsetAt: number;
  readonly sizeAt: number;
  readonly word: (bytes: Buffer, at: number) => number;
}

const LAYOUTS: readonly Layout[] = [
  {
    tableAt: 32,
    countAt: 56,
    entrySize: 56,
    offsetAt: 8,
    sizeAt: 32,
    word: (bytes, at) => Number(bytes.readBigUInt64LE(at)),
  },
  {
    tableAt: 28,
    countAt: 44,
    entrySize: 32,
    offsetAt: 4,
    sizeAt: 16,
    word: (bytes, at) => bytes.readUInt32LE(at),
  },
];
const HEADER_SIZE = 64;

/**
 * Their paths as they are written in a regular file (an O_PATH descriptor, which stays the caller's). Undefined where it cannot be read
 * by who asks, which does not keep the kernel from it.
 */
export function interpretersOf(descriptor: number): Buffer[] | undefined {
  const file = openText(
    AT_FDCWD,
    `/proc/self/fd/${descriptor}`,
    O_CLOEXEC | O_NOCTTY | O_NONBLOCK, // for reading
    0,
  );
  if (file < 0) return undefined;
  const beginning = Buffer.alloc(BEGINNING);
  const size = pread(file, beginning, BEGINNING, 0);
  const found =
    size < 0
      ? undefined
      : interpretersIn(beginning.subarray(0, size), (at, length) => {
          const bytes = Buffer.alloc(length);
          return bytes.subarray(0, Math.max(pread(file, bytes, length, at), 0));
        });
  close(file);
  return found;
}

/**
 * The same of a file's beginning. Pure but for `readMore`.
 * @param readMore bytes from an offset on, fewer where the file ends
 */
export function interpretersIn(
  beginning: Buffer,
  readMore: (at: number, length: number) => Buffer,
): Buffer[] {
  if (beginning.toString('latin1', 0, ELF_MAGIC.length) !== ELF_MAGIC) {
    const name = SCRIPT_PATTERN.exec(beginning.toString('latin1', 0, SCRIPT_BEGINNING))?.groups?.['name'];
    return name === undefined ? [] : [Buffer.from(name, 'latin1')];
  }
  if (beginning.length < HEADER_SIZE) return [];
  const bytesAt = (at: number, length: number): Buffer => {
    if (at + length <= beginning.length) return beginning.subarray(at, at + length);
    return Number.isSafeInteger(at) ? readMore(at, length) : Buffer.alloc(0);
  };
  return LAYOUTS.flatMap((layout) => loaderIn(beginning, layout, bytesAt) ?? []);
}

/** Of several the first counts. */
function loaderIn(
  header: Buffer,
  { tableAt, countAt, entrySize, offsetAt, sizeAt, word }: Layout,
  bytesAt: (at: number, length: number) => Buffer,
): Buffer | undefined {
  const size = header.readUInt16LE(countAt) * entrySize;
  const table = bytesAt(word(header, tableAt), Math.min(size, MOST_HEADERS));
  for (let at = 0; at + entrySize <= table.length; at += entrySize) {
    if (table.readUInt32LE(at) !== PT_INTERP) continue;
    const path = bytesAt(word(table, at + offsetAt), Math.min(word(table, at + sizeAt), PATH_MAX));
    const end = path.indexOf(0);
    return end <= 0 ? undefined : Buffer.from(path.subarray(0, end));
  }
  return undefined;
}
