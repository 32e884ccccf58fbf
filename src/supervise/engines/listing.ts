/** The entries of a directory, as the rules for what lies around a place need them. */
import { opendirSync } from 'node:fs';
import type { PathBytes } from '../../policy/policy.ts';

/**
 * Names, bytes as characters (latin1). No links: what they lead to has a name of its own. None where there are more than `most`, or
 * the directory cannot be read.
 */
export function namesIn(directory: PathBytes, most = Number.POSITIVE_INFINITY): string[] {
  const names: string[] = [];
  try {
    const open = opendirSync(directory, { encoding: 'latin1', bufferSize: 256 });
    let entry = open.readSync();
    for (; entry !== null && names.length < most; entry = open.readSync())
      if (!entry.isSymbolicLink()) names.push(entry.name);
    open.closeSync();
    return entry === null ? names : [];
  } catch {
    return [];
  }
}
