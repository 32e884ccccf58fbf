/** Who holds each rule about places, and why. Pure. */
import { isWithin } from '../policy/within.ts';
import type { Access, Rule } from '../rules/rule.ts';
import type { Plan } from './plan.ts';

export interface HeldRule {
  readonly access: Access;
  readonly effect: Rule['effect'];
  /** As a person said it. */
  readonly said: string;
  readonly by: 'Landlock' | 'supervisor' | 'nobody';
  readonly why: string;
}

/** In the order of the kinds, each as it was given. */
export function explainRules(plan: Plan): HeldRule[] {
  const { policy, reading } = plan;
  return [
    ...(policy.read ?? []).map((rule) => held('read', rule, readHolder(plan, rule))),
    ...(reading?.rules ?? [])
      .filter((rule) => policy.read?.includes(rule) === false)
      .map((rule) => held('read', rule, readHolder(plan, rule))),
    ...(policy.files?.rules ?? []).map((rule) => held('write', rule, writeHolder(plan, rule))),
    ...(policy.execute ?? []).map((rule) =>
      held('execute', rule, { by: 'Landlock', why: 'the kernel reads the path of a program for itself' }),
    ),
  ];
}

export type Holder = Pick<HeldRule, 'by' | 'why'>;

function held(access: Access, { effect, said }: Rule, holder: Holder): HeldRule {
  return { access, effect, said, ...holder };
}

/** Who holds a rule about reading. */
export function readHolder({ reading }: Plan, rule: Rule): Holder {
  if (reading === undefined) return { by: 'nobody', why: 'nothing may not be read' };
  if (!reading.rules.includes(rule)) return { by: 'nobody', why: 'this user may not read it anyway' };
  return { by: reading.heldBy, why: reading.why };
}

/** Who holds a rule about changes. */
export function writeHolder({ policy, landlock }: Plan, { effect, place }: Rule): Holder {
  if (landlock === undefined) return { by: 'supervisor', why: 'this kernel has no Landlock' };
  if (place.kind === 'pattern') return { by: 'supervisor', why: 'Landlock knows no patterns' };
  const trees = policy.files?.writable ?? [];
  if (effect === 'deny')
    return trees.some((tree) => isWithin(place.path, tree))
      ? { by: 'supervisor', why: 'it lies in a tree where changes are allowed' }
      : { by: 'Landlock', why: 'nothing around it is allowed' };
  const hasException = policy.files?.rules?.some(
    (rule) =>
      rule.effect === 'deny' &&
      (rule.place.kind === 'path'
        ? isWithin(rule.place.path, place.path)
        : isWithin(rule.place.pattern.base, place.path) || isWithin(place.path, rule.place.pattern.base)),
  );
  return hasException === true
    ? { by: 'supervisor', why: 'something in it is not to be changed; Landlock holds what lies around' }
    : { by: 'Landlock', why: 'all of it may be changed' };
}
