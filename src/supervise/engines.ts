/** Which engine runs a command. */
import type { LaunchError } from '../launch/launch-error.ts';
import type { Judge } from '../plan/catalogue.ts';
import type { KernelFeatures } from '../plan/features.ts';
import { makePlan } from '../plan/plan.ts';
import type { PathBytes, Policy } from '../policy/policy.ts';
import type { Reporter } from '../report/event.ts';
import { notify } from '../seccomp/expression.ts';
import type { CommandEnd } from './command.ts';
import { runKernel } from './kernel-engine.ts';
import { runNotify } from './notify-engine.ts';
import type { OwnIdentity } from './self.ts';

export interface RunRequest {
  readonly engine: 'auto' | 'notify' | 'trace' | 'kernel';
  readonly policy: Policy;
  readonly features: KernelFeatures;
  /** What the supervisor can judge, where there is one. */
  readonly judges: ReadonlySet<Judge>;
  /** The terminals that the command is given, by their paths. */
  readonly terminals: readonly PathBytes[];
  readonly identity: OwnIdentity;
  /** The path to execute, resolved already. */
  readonly command: Buffer;
  readonly argv: readonly Buffer[];
  readonly reporter: Reporter;
  /** Told of faults of our own while a referral was handled; the call was refused. */
  readonly fault: (error: unknown) => void;
}

/** Runs the command. Throws an EngineError, LaunchError or SyscallError when it could not be started. */
export async function runCommand(request: RunRequest): Promise<CommandEnd | LaunchError> {
  switch (request.engine) {
    case 'kernel':
      return runKernel(request);
    default:
      return runNotify({ ...request, plan: planFor(request) });
  }
}

function planFor({ policy, features, judges, terminals }: RunRequest): ReturnType<typeof makePlan> {
  return makePlan(policy, features, { refer: notify, judges, terminals });
}
