// The filters of this build, compiled: bundled and run by build.mjs. Those for kernels whose Landlock scopes signals; older ones
// have theirs compiled at the start.
import { compileFilter, situationKey } from '../src/plan/filter/program.ts';
import { kernelObstacles, makeKernelPlan } from '../src/plan/kernel-plan.ts';
import { makePlan, type Plan } from '../src/plan/plan.ts';
import type { NetworkPolicy, Policy } from '../src/policy/policy.ts';
import { notify, trace } from '../src/seccomp/expression.ts';
import { JUDGES } from '../src/supervise/judges.ts';

const FEATURES = { landlockAbi: 6, listener: true, waitKillable: true };
const NETWORKS: (NetworkPolicy | undefined)[] = [
  undefined,
  { kind: 'families' },
  { kind: 'none' },
  { kind: 'listed', networks: undefined, ports: [80], endpoints: [] },
];

function plansFor(policy: Policy): Plan[] {
  const supervised = [notify, trace(0)].map((refer) =>
    makePlan(policy, FEATURES, { refer, judges: JUDGES, terminals: [] }),
  );
  return kernelObstacles(policy, FEATURES).length > 0
    ? supervised
    : [...supervised, makeKernelPlan(policy, FEATURES, [])];
}

const policies = [undefined, { writable: [] }].flatMap((files) =>
  NETWORKS.map((network): Policy => ({ files, network, unixSockets: [] })),
);

/** Base64 by situation. */
export async function compileAll(): Promise<Record<string, string>> {
  const compiled: Record<string, string> = {};
  for (const { situation } of policies.flatMap(plansFor)) {
    compiled[situationKey(situation)] = (await compileFilter(situation)).toString('base64');
  }
  return compiled;
}
