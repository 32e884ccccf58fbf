/** What is said where the kernel alone holds rules: it tells nobody what it refuses. Import it lazily. */
import { Errno } from '../linux/errno.ts';
import { accessPath } from '../linux/files.ts';
import type { Plan } from '../plan/plan.ts';
import type { Rule } from '../rules/rule.ts';

/**
 * A line for each kind of rules that may refuse something: what is not there is not refused.
 * @param isOver the command has failed, and nobody knows whether for one of them
 */
export function heldByKernel({ policy, reading, situation }: Plan, isOver: boolean): string[] {
  // Not what follows from others.
  const given = reading?.rules.filter((rule) => policy.read?.includes(rule) === true) ?? [];
  const read = reading?.heldBy === 'Landlock' ? given.filter(mayRefuse).length : 0;
  const execute = (policy.execute ?? []).filter(mayRefuse).length;
  const canBeTold = situation.refer !== undefined;
  return [
    ...(read === 0 ? [] : [line(read, 'reading', isOver, canBeTold)]),
    ...(execute === 0 ? [] : [line(execute, 'executing', isOver, false)]),
  ];
}

function line(count: number, what: string, isOver: boolean, canBeTold: boolean): string {
  const isOne = count === 1;
  const verb = isOver ? (isOne ? 'was' : 'were') : isOne ? 'is' : 'are';
  const rules = isOne ? '1 rule' : `${count} rules`;
  const more = canBeTold
    ? ` (-v shows what ${isOne ? 'it refuses' : 'they refuse'})`
    : ', which tells nobody what it refuses';
  return `${rules} about ${what} ${verb} held by the kernel${more}`;
}

function mayRefuse({ effect, place }: Rule): boolean {
  return effect === 'deny' && (place.kind === 'pattern' || isThere(place.path));
}

function isThere(path: Buffer): boolean {
  const result = accessPath(path, 0);
  return result !== -Errno.ENOENT && result !== -Errno.ENOTDIR;
}
