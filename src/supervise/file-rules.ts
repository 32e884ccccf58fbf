/** What the judge of files goes by in a sandbox, made from its plan. */
import { ChangeRules } from '../judge/change-rules.ts';
import { DeniedPlaces } from '../judge/denied-places.ts';
import type { FileRules } from '../judge/files.ts';
import { OwnDirectories, type Makers } from '../judge/own-directories.ts';
import { PathSet, type WritablePath } from '../judge/path-set.ts';
import type { ReadingRules } from '../judge/reading.ts';
import type { Plan } from '../plan/plan.ts';
import { RuleIndex } from '../rules/rule-index.ts';

/**
 * All but what changes with what is granted later.
 * @param readable the places that Landlock allows to be read, where it decides that again
 */
export function lastingFileRules(
  plan: Plan,
  readable: readonly WritablePath[],
  makers: Makers,
): Omit<FileRules, 'writable' | 'pairs' | 'landlock'> {
  const { policy } = plan;
  return {
    restricted: policy.files !== undefined,
    own: new OwnDirectories(plan.own, makers, plan.interfaces),
    denied: new DeniedPlaces(plan.denied),
    interfaces: new DeniedPlaces(plan.interfaces),
    supervisor: process.pid,
    changes: policy.files?.rules && new ChangeRules(policy.files.rules),
    reading: readingRules(plan, readable),
  };
}

function readingRules({ reading }: Plan, readable: readonly WritablePath[]): ReadingRules | undefined {
  return (
    reading && {
      rules: new RuleIndex(reading.rules),
      readable: new PathSet(readable, []),
      byLandlock: reading.heldBy === 'Landlock',
    }
  );
}
