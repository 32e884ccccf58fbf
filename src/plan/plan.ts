/** Policy × what this kernel can do → plan. Pure data, printable: nothing is done here. */
import type { RulesetAttributes } from '../linux/landlock.ts';
import { Scope } from '../linux/landlock.ts';
import { restrictsAnything, type PathBytes, type Policy } from '../policy/policy.ts';
import type { Action } from '../seccomp/expression.ts';
import type { Judge } from './catalogue.ts';
import type { KernelFeatures } from './features.ts';
import type { Situation, UnjudgedSockets } from './filter/situation.ts';
import { rulesetAttributes } from './landlock.ts';

/** Devices that hold nothing, and the name of whatever terminal one has: always writable. */
const ALWAYS_WRITABLE = [
  '/dev/null',
  '/dev/zero',
  '/dev/full',
  '/dev/random',
  '/dev/urandom',
  '/dev/tty',
] as const;

export interface Plan {
  readonly policy: Policy;
  readonly landlock: LandlockPlan | undefined;
  /** What the filter depends on (filter/program.ts makes it). */
  readonly situation: Situation;
  /** Besides what the policy names: devices, to be written to and to stay as they are. Empty where files are not restricted. */
  readonly devices: readonly PathBytes[];
  readonly waitKillable: boolean;
}

export interface LandlockPlan {
  readonly abi: number;
  readonly ruleset: RulesetAttributes;
  readonly signalScope: boolean;
}

export interface PlanOptions {
  readonly refer: Action | undefined;
  readonly judges: ReadonlySet<Judge>;
  /** The terminals that the command is given, by their paths. */
  readonly terminals: readonly PathBytes[];
  /** Without a supervisor (`Situation`). */
  readonly kernelDecides?: ReadonlySet<Judge>;
  readonly sockets?: UnjudgedSockets;
}

/** Makes the plan. What a kernel lacks is taken over by the supervisor, which the filter then refers more to. */
export function makePlan(policy: Policy, features: KernelFeatures, options: PlanOptions): Plan {
  const restrictsFiles = policy.files !== undefined;
  const abstractExceptions =
    policy.anyUnixSocket === true || policy.unixSockets.some((name) => name.kind === 'abstract');
  const ruleset = rulesetAttributes(
    features.landlockAbi,
    restrictsFiles,
    restrictsAnything(policy) && !abstractExceptions,
    options.refer !== undefined,
  );
  const signalScope = ruleset !== undefined && (ruleset.scoped & Scope.SIGNAL) !== 0;
  const situation: Situation = {
    restrictsFiles,
    withoutCores: restrictsFiles && (ruleset === undefined || features.coreHandler),
    restrictsNetwork: policy.network !== undefined,
    restrictsDestinations: policy.network !== undefined && policy.network.kind !== 'families',
    landlockDomain: ruleset !== undefined,
    signalScope,
    refer: options.refer,
    judges: options.judges,
    ...(options.kernelDecides && { kernelDecides: options.kernelDecides }),
    ...(options.sockets && { sockets: options.sockets }),
  };
  const devices = [...ALWAYS_WRITABLE.map((path) => Buffer.from(path)), ...options.terminals];
  return {
    policy,
    landlock: ruleset && { abi: features.landlockAbi, ruleset, signalScope },
    situation,
    devices: policy.files === undefined ? [] : devices,
    waitKillable: features.waitKillable,
  };
}
