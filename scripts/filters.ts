// The filters of this build, compiled: bundled and run by build.mjs. Those for kernels whose Landlock scopes signals; older ones
// have theirs compiled at the start.
import { compileFilter, situationKey } from '../src/plan/filter/program.ts';
import { kernelObstacles, makeKernelPlan } from '../src/plan/kernel-plan.ts';
import type { Situation } from '../src/plan/filter/situation.ts';
import type { KernelFeatures } from '../src/plan/features.ts';
import { makePlan, type Plan, type Surroundings } from '../src/plan/plan.ts';
import type { ReadingFacts } from '../src/plan/reading.ts';
import type { DestinationRule } from '../src/policy/destinations.ts';
import type { NetworkPolicy, Policy } from '../src/policy/policy.ts';
import { notify, trace } from '../src/seccomp/expression.ts';
import { JUDGES } from '../src/supervise/judges.ts';

const FEATURES = [false, true].map((coreHandler) => ({
  landlockAbi: 6,
  listener: true,
  waitKillable: true,
  coreHandler,
}));
const BY_NAME: DestinationRule = {
  effect: 'allow',
  to: { kind: 'host', name: { labels: ['example'], zone: false } },
  ports: undefined,
  protocol: undefined,
  said: '',
};
const NETWORKS: (NetworkPolicy | undefined)[] = [
  undefined,
  { kind: 'families' },
  { kind: 'none' },
  { kind: 'listed', networks: undefined, ports: [80], endpoints: [] },
  { kind: 'listed', networks: [], ports: undefined, endpoints: [], rules: [BY_NAME] },
];

/** Landlock alone holds rules about reading then. */
const NOTHING_FOUND: ReadingFacts = {
  closed: [],
  devices: [],
  changeable: [],
  unlistable: [],
  directories: [],
};

/** Where only root, or everybody, makes names that Landlock does not decide about. */
const SURROUNDINGS: Surroundings[] = [true, false].map((changesRoot) => ({
  interfaces: [],
  changesRoot,
  own: [],
}));
const LOOKED_AROUND = SURROUNDINGS.map((each): Surroundings => ({ ...each, reading: NOTHING_FOUND }));

function plansFor(policy: Policy, features: KernelFeatures): Plan[] {
  const around = policy.network === undefined ? [...SURROUNDINGS, ...LOOKED_AROUND] : SURROUNDINGS;
  const supervised = [notify, trace(0)].map((refer) =>
    around.map((surroundings) =>
      makePlan(policy, features, { refer, judges: JUDGES, terminals: [], surroundings }),
    ),
  );
  return kernelObstacles(policy, features).length > 0
    ? supervised.flat()
    : [
        ...supervised.flat(),
        ...[false, true].flatMap((ownSession) =>
          around.map((surroundings) => makeKernelPlan(policy, features, [], ownSession, surroundings)),
        ),
      ];
}

const READ: Policy['read'] = [
  { effect: 'deny', place: { kind: 'path', path: Buffer.from('/') }, said: '--read-deny=/' },
];

/** Where destinations are restricted, listening adds nothing to the filter. */
const LISTENING = [undefined, { writable: [] }].map((files): Policy => ({
  files,
  network: { kind: 'families' },
  listen: [],
  unixSockets: [],
}));

const places = [undefined, READ].flatMap((read) =>
  [undefined, { writable: [] }].flatMap((files) =>
    NETWORKS.map((network): Policy => ({ files, ...(read && { read }), network, unixSockets: [] })),
  ),
);
const policies = [...places, ...LISTENING];

/** Those that are compiled, by their keys. */
export function situations(): Map<string, Situation> {
  const plans = policies.flatMap((policy) => FEATURES.flatMap((features) => plansFor(policy, features)));
  return new Map(plans.map(({ situation }) => [situationKey(situation), situation]));
}

/** Base64 by situation. */
export async function compileAll(): Promise<Record<string, string>> {
  const compiled: Record<string, string> = {};
  for (const [key, situation] of situations())
    compiled[key] = (await compileFilter(situation)).toString('base64');
  return compiled;
}
