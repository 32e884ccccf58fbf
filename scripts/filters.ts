// The filters of this build, compiled: bundled and run by build.mjs. Those for kernels whose Landlock scopes signals; older ones
// have theirs compiled at the start.
import { compileFilter, situationKey } from '../src/plan/filter/program.ts';
import { kernelObstacles, makeKernelPlan } from '../src/plan/kernel-plan.ts';
import type { KernelFeatures } from '../src/plan/features.ts';
import { makePlan, type Plan } from '../src/plan/plan.ts';
import type { NetworkPolicy, Policy } from '../src/policy/policy.ts';
import { notify, trace } from '../src/seccomp/expression.ts';
import { JUDGES } from '../src/supervise/judges.ts';

const FEATURES = [false, true].map((coreHandler) => ({
  landlockAbi: 6,
  listener: true,
  waitKillable: true,
  coreHandler,
}));
const NETWORKS: (NetworkPolicy | undefined)[] = [
  undefined,
  { kind: 'families' },
  { kind: 'none' },
  { kind: 'listed', networks: undefined, ports: [80], endpoints: [] },
];

function plansFor(policy: Policy, features: KernelFeatures): Plan[] {
  const supervised = [notify, trace(0)].map((refer) =>
    makePlan(policy, features, { refer, judges: JUDGES, terminals: [] }),
  );
  return kernelObstacles(policy, features).length > 0
    ? supervised
    : [...supervised, makeKernelPlan(policy, features, [])];
}

const policies = [undefined, { writable: [] }].flatMap((files) =>
  NETWORKS.map((network): Policy => ({ files, network, unixSockets: [] })),
);

/** Base64 by situation. */
export async function compileAll(): Promise<Record<string, string>> {
  const compiled: Record<string, string> = {};
  const plans = policies.flatMap((policy) => FEATURES.flatMap((features) => plansFor(policy, features)));
  for (const { situation } of plans) {
    compiled[situationKey(situation)] ??= (await compileFilter(situation)).toString('base64');
  }
  return compiled;
}
