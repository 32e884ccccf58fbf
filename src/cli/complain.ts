/** Messages to the person at the terminal. */
import { writeSync } from 'node:fs';

/** Prints one line to standard error. A reader that went away changes nothing. */
export function complain(message: string): void {
  try {
    writeSync(2, `secfilt: ${message}\n`);
  } catch {
    // Nobody is left to be told.
  }
}
