/** The limit of open files (getrlimit(2), RLIMIT_NOFILE), which Node raises to the hard limit when it starts. */
import { readProcText } from './files.ts';
import { syscallMemory3, syscallMemory4 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export const RLIMIT_NOFILE = 7;

const LIMIT_LINE = /^Max open files +(\d+) +(\d+) /m;

export interface OpenFilesLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** What /proc/PID/limits says (proc(5)); undefined where it cannot be read, or is unlimited. */
export function parseOpenFilesLimit(text: string): OpenFilesLimit | undefined {
  const match = LIMIT_LINE.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { soft: BigInt(match[1]), hard: BigInt(match[2]) };
}

/** That of this process now; undefined where it cannot be had. */
export function openFilesLimit(): OpenFilesLimit | undefined {
  const limit = Buffer.alloc(16);
  if (syscallMemory4(X86_64.prlimit64, 0, RLIMIT_NOFILE, 0, limit, 0) < 0) return undefined;
  return { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) };
}

/**
 * The limit that this process was most likely started with: its parent's, if that has the same hard limit and a lower
 * soft one. Undefined: nothing to put right.
 */
export function guessOpenFilesLimit(): OpenFilesLimit | undefined {
  const [own, parent] = ['self', process.ppid].map((pid) => {
    const text = readProcText(`/proc/${pid}/limits`);
    return typeof text === 'number' ? undefined : parseOpenFilesLimit(text);
  });
  if (own === undefined || parent === undefined) return undefined;
  return own.hard === parent.hard && parent.soft < own.soft ? parent : undefined;
}

/** struct rlimit64. */
export function encodeLimit({ soft, hard }: OpenFilesLimit): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(soft, 0);
  bytes.writeBigUInt64LE(hard, 8);
  return bytes;
}

/** Sets the limit of this process. 0, or a negated error number. */
export function limitOpenFiles(limit: OpenFilesLimit): number {
  return syscallMemory3(X86_64.prlimit64, 0, RLIMIT_NOFILE, encodeLimit(limit), 0, 0);
}
