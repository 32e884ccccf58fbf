/** The entries of a directory, as the rules for what lies around a place need them. */
import { readdirSync } from 'node:fs';
import type { PathBytes } from '../../policy/policy.ts';

/**
 * Names, bytes as characters (latin1). No links: what they lead to has a name of its own. None where there are more than `most`, or
 * the directory cannot be read.
 */
export function namesIn(directory: PathBytes, most = Number.POSITIVE_INFINITY): string[] {
  try {
    const entries = readdirSync(directory, { encoding: 'latin1', withFileTypes: true });
    if (entries.length > most) return [];
    return entries.flatMap((entry) => (entry.isSymbolicLink() ? [] : [entry.name]));
  } catch {
    return [];
  }
}
