/** Runs a command by the engine that was asked for, or by the first that this machine allows. */
import { LaunchError } from '../../launch/launch-error.ts';
import type { Judge } from '../../plan/catalogue.ts';
import type { KernelFeatures } from '../../plan/features.ts';
import { filterProgram } from '../../plan/filter/program.ts';
import { executeObstacle, makePlan, type Plan, type PlanOptions } from '../../plan/plan.ts';
import { restrictsAnything, type PathBytes, type Policy } from '../../policy/policy.ts';
import type { Asker } from '../asking.ts';
import type { Reporter } from '../../report/event.ts';
import { notify, trace } from '../../seccomp/expression.ts';
import type { AskedEngine, Engine } from './choose-engine.ts';
import type { CommandEnd } from './command.ts';
import { canCopyDescriptors } from '../target/descriptor.ts';
import { EngineError } from './engine-error.ts';
import { canReadMemory, probeFeatures } from './probe-features.ts';
import { protectSelf, type OwnIdentity } from './self.ts';
import { lookAround } from './surroundings.ts';

export interface RunRequest {
  readonly engine: AskedEngine;
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
  /** Asked about what no rule allows. */
  readonly ask?: Asker | undefined;
  /** The reporter writes a log (--log). */
  readonly logged: boolean;
  /** Somebody is told of each refusal, as it comes. */
  readonly wantsReports: boolean;
  /** What secfilt itself was started from, is set up by and writes to. */
  readonly own: readonly PathBytes[];
  /** Told of faults of our own while a referral was handled; the call was refused. */
  readonly fault: (error: unknown) => void;
  /** Told what is about to be put in force. */
  readonly planned?: (plan: Plan) => Promise<void> | void;
  /** Told when `auto` takes another engine than the first, a reason a line. */
  readonly notice: (line: string) => void;
}

/** Runs the command. Throws an EngineError, LaunchError or SyscallError when it could not be started. */
export async function runCommand(request: RunRequest): Promise<CommandEnd | LaunchError> {
  const { engine, features } = request;
  const obstacle = executeObstacle(request.policy, features);
  if (obstacle !== undefined) throw new EngineError([obstacle]);
  // The usual case, without a probe: what the kernel knows it will do, unless another supervisor listens already.
  const isUsual = engine !== 'trace' && engine !== 'kernel' && features.listener;
  if (isUsual && canReadMemory() && (request.policy.network === undefined || canCopyDescriptors())) {
    try {
      return await runBy('notify', request);
    } catch (error) {
      if (!(error instanceof LaunchError && error.step === 'seccomp')) throw error;
    }
  }
  const { chooseEngine } = await import('./choose-engine.ts');
  const choice = chooseEngine(engine, () => probeFeatures(request.identity.capabilities), request);
  if (choice.engine === undefined) throw new EngineError(choice.reasons);
  if (choice.reasons.length > 0) {
    for (const reason of choice.reasons) request.notice(reason);
    request.notice(`so the engine is ${choice.engine}`);
  }
  return runBy(choice.engine, request);
}

/** What one engine alone needs is loaded for that engine alone. */
async function runBy(engine: Engine, request: RunRequest): Promise<CommandEnd | LaunchError> {
  if (engine === 'kernel') return (await import('./kernel-engine.ts')).runKernel(request);
  protectSelf();
  const { policy, features, terminals } = request;
  if (engine === 'trace' && policy.files !== undefined && !canCopyDescriptors())
    request.notice('under trace, files that Landlock does not decide cannot be opened without it either');
  const refer = engine === 'trace' ? trace(0) : notify;
  const surroundings = lookAround(policy, request.own);
  const { wantsReports } = request;
  const plan = makePlan(policy, features, {
    refer,
    terminals,
    surroundings,
    wantsReports,
    ...socketJudges(request),
  });
  await request.planned?.(plan);
  const run = { ...request, plan, filter: await filterProgram(plan.situation) };
  return engine === 'trace'
    ? (await import('./trace-engine.ts')).runTrace(run)
    : (await import('./notify-engine.ts')).runNotify(run);
}

/**
 * Calls on sockets are performed on a copy of the target's socket. Where copies are not to be had (a container's filter
 * may forbid pidfd_getfd(2)) nobody judges addresses, so that no Unix socket may be made that could need it.
 */
export function socketJudges({
  policy,
  judges,
  notice,
}: Pick<RunRequest, 'policy' | 'judges' | 'notice'>): Pick<PlanOptions, 'judges' | 'sockets'> {
  if (!restrictsAnything(policy) || canCopyDescriptors()) return { judges };
  notice('pidfd_getfd is not permitted here: programs cannot make Unix sockets');
  return { judges: new Set([...judges].filter((judge) => judge !== 'network')), sockets: 'any' };
}
