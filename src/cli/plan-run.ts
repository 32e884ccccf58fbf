/** The plan that a run with these settings would follow, found out as a run does it; nothing is put in force. */
import { exitNow } from '../linux/libc.ts';
import { makeKernelPlan } from '../plan/kernel-plan.ts';
import { executeObstacle, makePlan, type Plan } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { notify, trace } from '../seccomp/expression.ts';
import { chooseEngine, type Engine } from '../supervise/engines/choose-engine.ts';
import { socketJudges } from '../supervise/engines/engines.ts';
import { JUDGES } from '../supervise/judges.ts';
import { givenTerminals } from '../supervise/engines/given-terminals.ts';
import { isAloneInSession } from '../supervise/engines/own-session.ts';
import { probeFeatures } from '../supervise/engines/probe-features.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import { identifySelf } from '../supervise/engines/self.ts';
import { lookAround } from '../supervise/engines/surroundings.ts';
import { complain } from './complain.ts';
import { ExitCode } from './exit-code.ts';
import { makePolicy } from './make-policy.ts';
import { wantsReports, type Settings } from './settings.ts';
import { ownPlaces } from './own-places.ts';

export interface PlannedRun {
  readonly engine: Engine;
  /** What speaks against the engines that would have come first, and what the run would say. */
  readonly reasons: readonly string[];
  readonly plan: Plan;
  /** As it was said: the plan's own may have more. */
  readonly policy: Policy;
}

/** Ends with 125 where no engine could do it. */
export async function planRun(settings: Settings): Promise<PlannedRun> {
  const policy = await makePolicy(settings.policy);
  const identity = identifySelf();
  const features = probeKernel(process.env);
  const own = ownPlaces(settings, policy);
  const run = {
    policy,
    features,
    terminals: givenTerminals([0, 1, 2]),
    own,
    identity,
    command: Buffer.alloc(0),
    argv: [],
  };
  const obstacle = executeObstacle(policy, features);
  if (obstacle !== undefined) {
    complain(obstacle);
    return exitNow(ExitCode.FAILURE);
  }
  const { engine, reasons } = chooseEngine(settings.engine, () => probeFeatures(identity.capabilities), {
    ...run,
    logged: settings.log !== undefined,
  });
  if (engine === undefined) {
    for (const reason of reasons) complain(reason);
    return exitNow(ExitCode.FAILURE);
  }
  const surroundings = lookAround(policy, own);
  if (engine === 'kernel') {
    const plan = makeKernelPlan(policy, features, run.terminals, isAloneInSession(), surroundings);
    return { engine, reasons, plan, policy };
  }
  const notices: string[] = [];
  const plan = makePlan(policy, features, {
    refer: engine === 'trace' ? trace(0) : notify,
    terminals: run.terminals,
    surroundings,
    wantsReports: wantsReports(settings),
    ...socketJudges({ policy, judges: JUDGES, notice: (line) => notices.push(line) }),
  });
  return { engine, reasons: [...reasons, ...notices], plan, policy };
}
