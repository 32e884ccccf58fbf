/** Where the program lies: beside this module, and started by the very Node that runs it; nothing is looked for by PATH. */
import { join } from 'node:path';

/** From dist/library/…/ (scripts/build.mjs). */
const PROGRAM = join(import.meta.dirname, '..', '..', 'secfilt.cjs');

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/** secfilt with its words. */
export function secfilt(words: readonly string[]): Program {
  return { file: process.execPath, args: [PROGRAM, ...words] };
}

/** A path in our own package where no file is: to start it fails as it fails where a command is missing. */
export const MISSING = join(PROGRAM, '..', 'no-such-command');
/** A file there that nobody may execute. */
export const NOT_EXECUTABLE = join(PROGRAM, '..', 'program.cjs');

/** The service for a program's sandboxes, which knows by its environment what it is. */
export const SERVICE: Program = secfilt([]);
