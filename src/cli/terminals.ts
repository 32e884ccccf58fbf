/** The terminals that a command inherits. */
import { readlinkSync } from 'node:fs';
import { isTerminal } from '../linux/terminal.ts';
import type { PathBytes } from '../policy/policy.ts';

/** Paths of the terminals that the command is given as standard input, output and error. */
export function terminals(): PathBytes[] {
  return [0, 1, 2]
    .filter((stream) => isTerminal(stream))
    .map((stream) => readlinkSync(`/proc/self/fd/${stream}`, 'buffer'));
}
