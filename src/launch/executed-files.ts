/** The files that the kernel opens to execute one: it itself, and its interpreters (execve(2), elf(5)). */
import { closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ELF_HEADER_SIZE, PROGRAM_HEADER_SIZE } from './elf.ts';
import { SHELL } from './rows.ts';

/** What the kernel reads of the first line (BINPRM_BUF_SIZE). */
const BEGINNING = 256;
/** How often an interpreter may be a script itself. */
const MOST_SCRIPTS = 5;
const MOST_HEADERS = 128;
const PT_INTERP = 3;
const PATH_MAX = 4096;
const SLASH = 0x2f;
const INTERPRETER_PATTERN = /^#![ \t]*([^ \t\n\0]+)/;
const ELF_MAGIC = '\x7fELF\x02\x01';

/**
 * As the kernel names them, the one to execute first. What cannot be looked at ends the list: then the kernel says why it does not
 * execute it.
 * @param cwd what relative paths are relative to, if not the current directory
 */
export function executedFiles(path: Buffer, cwd?: string): Buffer[] {
  const files: Buffer[] = [];
  let next: Buffer | undefined = path;
  for (let depth = 0; next !== undefined && depth <= MOST_SCRIPTS; depth += 1) {
    const file = resolved(next, cwd);
    if (file === undefined) break;
    files.push(file);
    next = interpreterOf(file);
  }
  return files;
}

function resolved(path: Buffer, cwd: string | undefined): Buffer | undefined {
  const full =
    cwd === undefined || path[0] === SLASH ? path : Buffer.concat([Buffer.from(join(cwd, '/')), path]);
  try {
    return realpathSync.native(full, { encoding: 'buffer' });
  } catch {
    return undefined;
  }
}

function interpreterOf(file: Buffer): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const beginning = bytesAt(descriptor, 0, BEGINNING);
    const text = beginning.toString('latin1');
    if (text.startsWith('\x7fELF'))
      return text.startsWith(ELF_MAGIC) ? loaderOf(descriptor, beginning) : undefined;
    const named = INTERPRETER_PATTERN.exec(text)?.[1];
    // A file that is no program is a script of the shell's to those who start it (execvp(3)).
    return named === undefined ? Buffer.from(SHELL) : Buffer.from(named, 'latin1');
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** The path that a program header of the type PT_INTERP names. */
function loaderOf(descriptor: number, header: Buffer): Buffer | undefined {
  if (header.length < ELF_HEADER_SIZE) return undefined;
  const count = Math.min(header.readUInt16LE(56), MOST_HEADERS);
  const table = bytesAt(descriptor, Number(header.readBigUInt64LE(32)), count * PROGRAM_HEADER_SIZE);
  for (let at = 0; at + PROGRAM_HEADER_SIZE <= table.length; at += PROGRAM_HEADER_SIZE) {
    if (table.readUInt32LE(at) !== PT_INTERP) continue;
    const size = Math.min(Number(table.readBigUInt64LE(at + 32)), PATH_MAX);
    const text = bytesAt(descriptor, Number(table.readBigUInt64LE(at + 8)), size);
    const end = text.indexOf(0);
    return end <= 0 ? undefined : text.subarray(0, end);
  }
  return undefined;
}

function bytesAt(descriptor: number, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, size, offset));
}
