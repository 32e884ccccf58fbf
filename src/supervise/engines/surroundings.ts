/** What a plan has to know of this machine and this run, looked up as far as the policy depends on it. */
import { accessSync, constants } from 'node:fs';
import { interfaceMounts } from '../../linux/mounts.ts';
import type { Surroundings } from '../../plan/plan.ts';
import type { PathBytes, Policy } from '../../policy/policy.ts';
import { restrictsReading } from '../../plan/reading.ts';
import { namesIn } from './listing.ts';
import { readingFacts } from './reading-facts.ts';

const ROOT = Buffer.from('/');

/**
 * @param own what secfilt was started from, is set up by and writes to
 */
export function lookAround(policy: Policy, own: readonly PathBytes[]): Surroundings {
  const { files } = policy;
  const reading = restrictsReading(policy) ? { reading: readingFacts(policy) } : {};
  const changesNothing = files !== undefined && files.writable.length === 0 && files.own === undefined;
  if (changesNothing) return { interfaces: [], changesRoot: false, own, ...reading };
  return {
    interfaces: interfaces(),
    changesRoot: files === undefined && (mayChangeRoot() || namesIn(ROOT).length === 0),
    own,
    ...reading,
  };
}

/** Without /proc there are none that could be looked up: the usual ones are known. */
function interfaces(): PathBytes[] {
  try {
    return interfaceMounts();
  } catch {
    return [];
  }
}

function mayChangeRoot(): boolean {
  try {
    accessSync('/', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
