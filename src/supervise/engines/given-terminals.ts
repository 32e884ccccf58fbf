/** The terminals that a command is given. */
import { fstatSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { terminalNumber } from '../../linux/terminal.ts';
import type { PathBytes } from '../../policy/policy.ts';

/**
 * Paths of the terminals that the command is given as standard input, output and error: of those that have one here, and one that
 * means the same terminal to everybody, as /dev/tty and /dev/tty0 do not.
 * @param streams our own descriptors of them
 */
export function givenTerminals(streams: readonly number[]): PathBytes[] {
  return streams
    .filter((stream) => terminalNumber(stream) === BigInt(fstatSync(stream).rdev))
    .flatMap((stream) => {
      const path = readlinkSync(`/proc/self/fd/${stream}`, 'buffer');
      return isAt(path, fstatSync(stream)) ? [path] : [];
    });
}

/** A terminal from another mount namespace has a name there that may be somebody else's here. */
function isAt(path: PathBytes, status: Stats): boolean {
  try {
    const found = statSync(path);
    return found.dev === status.dev && found.ino === status.ino;
  } catch {
    return false;
  }
}
