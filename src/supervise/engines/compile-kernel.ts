/**
 * A policy that the kernel can hold alone, as an executable that needs nothing else (launch/standalone/): what the kernel engine
 * does at its start is done by that executable, at each of its own.
 */
import { Flag } from '../../launch/standalone/code.ts';
import { buildStandalone, type StandaloneRule } from '../../launch/standalone/image.ts';
import { AccessFs } from '../../linux/landlock.ts';
import { CONTROLLING_TERMINAL } from '../../linux/terminal.ts';
import type { KernelFeatures } from '../../plan/features.ts';
import { filterProgram } from '../../plan/filter/program.ts';
import { grantedRights } from '../../plan/landlock.ts';
import {
  kernelObstacles,
  LEAST_ABI,
  makeKernelPlan,
  type KernelPlan,
  type Obstacle,
} from '../../plan/kernel-plan.ts';
import { restrictsAnything, type PathBytes, type Policy } from '../../policy/policy.ts';
import { isWithin } from '../../policy/within.ts';
import { escapeBytes } from '../../report/escape.ts';
import { EngineError } from './engine-error.ts';
import { EXISTS_NOT, HOLDS_OWN, IS_ALL, obstacleText } from './kernel-engine.ts';
import { DEVICE_NUMBERS, TTY } from './fixed-devices.ts';
import { KEPT_CAPABILITIES } from './self.ts';

const ROOT = Buffer.from('/');

const LISTED = 'what lies beside the places that it names is listed at each start';

const TEXTS = {
  noLandlock: `kernel: the kernel needs Landlock ABI ${LEAST_ABI} or later and has not`,
  reachingSocket: 'kernel: a standard descriptor is a socket that can reach more than its peer',
  outerSupervisor: 'kernel: --allowed-ports needs a supervisor: the one outside connects for us',
  holdsOwn: ': it holds this program, so that the command could change a later run of it',
  isLink: ': leads through a symbolic link that was not there when it was compiled',
  existsNot: `: ${EXISTS_NOT}`,
} as const;

/**
 * The executable. Throws an EngineError where the policy needs a supervisor.
 * @param words what the command begins with; empty: it is given at the start
 * @param own what secfilt itself is made of
 */
export async function compileKernel(
  policy: Policy,
  features: KernelFeatures,
  words: readonly Buffer[],
  own: readonly PathBytes[],
): Promise<Buffer> {
  const obstacles = [...kernelObstacles(policy, features), ...unholdable(policy, own)];
  if (obstacles.length > 0)
    throw new EngineError(obstacles.map((obstacle) => `kernel: ${obstacleText(obstacle)}`));
  // What only a start knows counts as what allows least: a program for cores, others in the session.
  const plan = makeKernelPlan(policy, { ...features, coreHandler: true }, [], false);
  if (plan.landlock === undefined) throw new EngineError([`kernel: ${TEXTS.noLandlock}`]);
  const { ruleset } = plan.landlock;
  const handled = ruleset.handledAccessFs;
  return buildStandalone({
    words,
    flags: flagsOf(policy),
    abi: LEAST_ABI,
    ruleset,
    rights: { ofFile: grantedRights(handled, false), ofDirectory: grantedRights(handled, true) },
    rules: policy.files === undefined ? moves(handled) : fileRules(plan, policy.files.writable, handled),
    ports: plan.ports,
    capabilities: KEPT_CAPABILITIES,
    filter: await filterProgram(plan.situation),
    texts: TEXTS,
  });
}

/** What of it shows without a look at files. */
function unholdable({ files, read = [], execute = [] }: Policy, own: readonly PathBytes[]): Obstacle[] {
  const listed = [read, execute].flatMap(([first]) =>
    first === undefined ? [] : [{ option: first.said, reason: LISTED }],
  );
  const changes = (files?.writable ?? []).flatMap((path) => {
    const option = `--write-allow=${escapeBytes(path)}`;
    if (path.equals(ROOT)) return [{ option, reason: IS_ALL }];
    const holdsOwn = own.some((place) => isWithin(place, path) || isWithin(path, place));
    return holdsOwn ? [{ option, reason: HOLDS_OWN }] : [];
  });
  return [...listed, ...changes];
}

function flagsOf(policy: Policy): number {
  const { files } = policy;
  return (
    (restrictsAnything(policy) ? Flag.restricts : 0) |
    (files === undefined ? Flag.changes | Flag.everywhere : Flag.files) |
    (files !== undefined && files.writable.length > 0 ? Flag.changes : 0)
  );
}

/** As of the kernel engine, where files are not restricted. */
function moves(handled: number): StandaloneRule[] {
  const rights = handled & AccessFs.REFER;
  return rights === 0 ? [] : [{ path: ROOT, must: 'any', rights }];
}

function fileRules(
  { devices }: KernelPlan,
  writable: readonly PathBytes[],
  handled: number,
): StandaloneRule[] {
  const modes = handled & AccessFs.IOCTL_DEV;
  return [
    ...devices.map((path) => ({ path, must: DEVICE_NUMBERS.get(path.toString('latin1')) ?? 'any' }) as const),
    ...(modes === 0 ? [] : [{ path: TTY, must: CONTROLLING_TERMINAL, rights: modes }]),
    ...writable.map((path) => {
      const name = `kernel: --write-allow=${escapeBytes(path)} needs a supervisor`;
      return { path, must: 'whole', name } as const;
    }),
  ];
}
