/**
 * The kernel engine: Landlock and the filter alone. This process becomes the command; nobody is left to judge, to report
 * or to be attacked. What of a policy only a supervisor could answer is refused before anything starts.
 */
import { Errno, SyscallError } from '../../linux/errno.ts';
import { AccessNet, addPortRule } from '../../linux/landlock.ts';
import { close, prctl } from '../../linux/libc.ts';
import { hasPeer, socketKind } from '../../linux/socket-kind.ts';
import type { LaunchError } from '../../launch/launch-error.ts';
import { becomeCommand } from '../../launch/replace.ts';
import type { KernelFeatures } from '../../plan/features.ts';
import { filterProgram } from '../../plan/filter/program.ts';
import {
  kernelObstacles,
  makeKernelPlan,
  readingObstacles,
  type KernelPlan,
  type Obstacle,
} from '../../plan/kernel-plan.ts';
import { restrictsAnything, type PathBytes, type Policy } from '../../policy/policy.ts';
import { isWithin } from '../../policy/within.ts';
import { escapeBytes } from '../../report/escape.ts';
import { EngineError } from './engine-error.ts';
import { isAloneInSession } from './own-session.ts';
import { makeRuleset, type Ruleset } from './ruleset.ts';
import type { OwnIdentity } from './self.ts';
import { lookAround } from './surroundings.ts';

const PR_SET_CHILD_SUBREAPER = 36;
const ROOT = Buffer.from('/');
export const IS_ALL = 'a rule for it would hold for /proc and /sys too, and Landlock knows no exceptions';
export const HOLDS_OWN =
  'it holds what secfilt itself is made of, which only a supervisor keeps from changes';
export const EXISTS_NOT = 'does not exist, or is a part of the kernel, so that no rule can be made for it';

export interface KernelRun {
  readonly policy: Policy;
  readonly features: KernelFeatures;
  readonly terminals: readonly PathBytes[];
  /** What secfilt itself was started from and is set up by. */
  readonly own: readonly PathBytes[];
  readonly identity: OwnIdentity;
  readonly command: Buffer;
  readonly argv: readonly Buffer[];
  /** Somebody wants to know of every call that is refused. */
  readonly logged?: boolean;
  /** Told what is about to be put in force. */
  readonly planned?: (plan: KernelPlan) => Promise<void> | void;
}

/** A plan whose ruleset is made. */
export interface PreparedKernelRun {
  readonly plan: KernelPlan;
  readonly ruleset: Ruleset;
}

/** Makes plan and ruleset, or says what stands in the way: nothing is in force yet. Throws a SyscallError. */
export function prepareKernel(run: KernelRun): PreparedKernelRun | readonly Obstacle[] {
  const { policy, features } = run;
  const log: Obstacle[] = run.logged === true ? [{ option: '--log', reason: 'the kernel tells nobody' }] : [];
  const obstacles = [...kernelObstacles(policy, features), ...standardSockets(policy), ...log];
  if (obstacles.length > 0) return obstacles;
  const surroundings = lookAround(policy, run.own);
  const plan = makeKernelPlan(policy, features, run.terminals, isAloneInSession(), surroundings);
  const unread = readingObstacles(plan);
  if (unread.length > 0) return unread;
  const ruleset = makeRuleset(plan);
  const unbacked = unbackedPaths(plan, ruleset);
  if (unbacked.length === 0) return { plan, ruleset };
  if (ruleset.descriptor !== undefined) close(ruleset.descriptor);
  return unbacked;
}

/** Becomes the command. Returns only to say why it did not. Throws an EngineError or SyscallError. */
export async function runKernel(run: KernelRun, prepared = prepareKernel(run)): Promise<LaunchError> {
  if (!('plan' in prepared))
    throw new EngineError(prepared.map((obstacle) => `kernel: ${obstacleText(obstacle)}`));
  const { plan, ruleset } = prepared;
  for (const port of plan.ports ?? []) {
    const result = addPortRule(ruleset.descriptor ?? -1, AccessNet.CONNECT_TCP, port);
    if (result < 0) throw new SyscallError('landlock_add_rule', -result);
  }
  await run.planned?.(plan);
  // Set for a supervisor's sake, and kept by execve(2): the command is to have no children that it did not make.
  prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  return becomeCommand({
    command: run.command,
    argv: run.argv,
    filter: await filterProgram(plan.situation),
    rulesetDescriptor: ruleset.descriptor,
    withoutCores: plan.situation.withoutCores,
    capabilities: run.identity.capabilities,
  });
}

/** What a person reads about an obstacle. */
export function obstacleText({ option, reason }: Obstacle): string {
  return option === undefined ? reason : `${option} needs a supervisor: ${reason}`;
}

function unbackedPaths({ policy, denied }: KernelPlan, ruleset: Ruleset): Obstacle[] {
  const backed = new Set(
    ruleset.writable
      .filter(({ backing }) => backing.kind !== 'none')
      .map(({ path }) => path.toString('latin1')),
  );
  return (policy.files?.writable ?? [])
    .filter((path) => !backed.has(path.toString('latin1')))
    .map((path) => ({
      option: `--write-allow=${escapeBytes(path)}`,
      reason: path.equals(ROOT)
        ? IS_ALL
        : denied.some((place) => isWithin(place, path))
          ? HOLDS_OWN
          : EXISTS_NOT,
    }));
}

/**
 * The filter counts on sockets that were made under it. A socket that is handed down as a standard stream may stay if it is
 * connected and cannot be turned to another address.
 */
function standardSockets(policy: Policy): Obstacle[] {
  if (!restrictsAnything(policy)) return [];
  return [0, 1, 2]
    .filter((descriptor) => {
      const kind = socketKind(descriptor);
      return kind !== -Errno.ENOTSOCK && kind !== -Errno.EBADF && !(kind === 'stream' && hasPeer(descriptor));
    })
    .map((descriptor) => ({
      option: undefined,
      reason: `standard descriptor ${descriptor} is a socket that can reach more than its peer`,
    }));
}
