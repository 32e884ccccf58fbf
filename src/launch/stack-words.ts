/**
 * Arguments for execve(2) out of those that an image was started with: they lie on its stack, pointers behind argc, and what
 * comes before them is written over. Below argc the stack is free (code.ts).
 */
import { X86_64 } from '../linux/syscalls.ts';
import { stringBlob } from './blobs.ts';
import type { Row } from './image.ts';

const POINTER = 8;

/** Arguments, and where they are, in bytes from argc. */
export interface StackWords {
  /** To be done first. */
  readonly rows: readonly Row[];
  readonly offset: number;
}

/** `words`, and behind them what is left of the image's own arguments without the first `skipped` ones. */
export function stackWords(words: readonly (string | Uint8Array)[], skipped: number): StackWords {
  const offset = POINTER * (1 + skipped - words.length);
  const rows = words.map((word, index): Row => ({
    name: 'store',
    number: 0,
    arguments: [{ blob: stringBlob(word) }, offset + POINTER * index],
    stack: true,
    store: true,
  }));
  return { rows, offset };
}

/** execve(2) with such arguments and the environment that the image was started with. */
export function executeRow(name: string, path: string | Uint8Array, { offset }: StackWords): Row {
  return {
    name,
    number: X86_64.execve,
    arguments: [{ blob: stringBlob(path) }, offset],
    stack: true,
    environment: true,
  };
}
