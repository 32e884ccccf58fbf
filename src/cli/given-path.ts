/** Paths that a person wrote, looked up from the place where they were written. */
import { dirname } from 'node:path';
import { parseUnixSocket, resolvePath } from '../policy/paths.ts';
import type { PathBytes, UnixSocketName } from '../policy/policy.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { naming } from './usage-error.ts';

/** A path: absolute, or relative to the directory of the config file that names it, or to the current directory. */
export function givenPath(given: Assignment): PathBytes {
  return reading(given, () => resolvePath(toBytes(given.text), baseOf(given)));
}

/** A Unix socket, its path likewise. */
export function givenUnixSocket(given: Assignment): UnixSocketName {
  return reading(given, () => parseUnixSocket(toBytes(given.text), baseOf(given)));
}

/** Runs a reader of the assignment's text; what is wrong with it becomes a UsageError. */
export function reading<Value>(given: Assignment, read: () => Value): Value {
  return naming({ option: given.spelling, word: given.text, origin: given.origin }, read);
}

/** Looked up only where it counts: the directory of `--config=<(…)` is none that paths could start from. */
function baseOf({ text, origin }: Assignment): PathBytes | undefined {
  if (origin.kind === 'command-line' || /^[/@]/.test(text)) return undefined;
  return resolvePath(toBytes(dirname(origin.file.toString('latin1'))));
}
