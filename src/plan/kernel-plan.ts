/** The plan of a sandbox without a supervisor: Landlock and the filter alone. */
import { AccessNet } from '../linux/landlock.ts';
import type { DestinationRule } from '../policy/destinations.ts';
import {
  restrictsAnything,
  type FilePolicy,
  type PathBytes,
  type Policy,
  type Port,
} from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import type { Rule } from '../rules/rule.ts';
import type { KernelFeatures } from './features.ts';
import type { UnjudgedSockets } from './filter/situation.ts';
import { makePlan, type Plan, type Surroundings } from './plan.ts';

/** Something that a policy asks and the kernel alone cannot answer. */
export interface Obstacle {
  /** As a person spells it: `--allow-unix`. Undefined: the kernel lacks what every such sandbox needs. */
  readonly option: string | undefined;
  readonly reason: string;
}

export interface KernelPlan extends Plan {
  /** The ports that TCP may connect to; undefined: any, or none at all by the filter. */
  readonly ports: readonly Port[] | undefined;
}

/** The first ABI of Landlock that scopes signals. It has all else too: truncate, TCP ports, ioctl of devices. */
export const LEAST_ABI = 6;

/** What stands in the way of the policy, as far as it shows without a look at files. */
export function kernelObstacles(policy: Policy, features: KernelFeatures): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const add = (option: string | undefined, reason: string): void => {
    obstacles.push({ option, reason });
  };
  if (features.landlockAbi < LEAST_ABI) {
    const found = features.landlockAbi === 0 ? 'none' : `ABI ${features.landlockAbi}`;
    add(undefined, `the kernel needs Landlock ABI ${LEAST_ABI} or later and has ${found}`);
  }
  if (policy.network?.kind === 'listed') {
    const { networks, endpoints, ports, rules } = policy.network;
    const isNamed = networks !== undefined && (networks.length > 0 || rules === undefined);
    if (endpoints.length > 0) add('--allow-resolv', 'the kernel compares no addresses');
    else if (isNamed) add('--allowed-netmasks', 'the kernel compares no addresses');
    for (const option of new Set(rules?.map(optionOf))) add(option, 'the kernel compares no addresses');
    // It would connect in its own name, which is not under our Landlock rules.
    if (ports !== undefined && !features.listener) add('--allowed-ports', 'the one outside connects for us');
  }
  const pattern = [...(policy.files?.rules ?? []), ...(policy.read ?? [])].find(
    ({ place }) => place.kind === 'pattern',
  );
  if (pattern !== undefined) add(pattern.said, 'the kernel knows no patterns');
  const exception = exceptionIn(policy.files);
  if (exception !== undefined) add(exception.said, 'Landlock knows no exceptions in what may be changed');
  if (policy.listen !== undefined && policy.listen.length > 0)
    add('--allowed-listen', 'the kernel asks nobody which port a socket gets that listens without one');
  else if (policy.listen !== undefined && socketsOf(policy) === 'any')
    add('--allowed-listen', 'the kernel judges no ports of datagrams');
  if (policy.files?.own !== undefined) add('--write-own', 'the kernel does not know who made a file');
  if (policy.unixSockets.length > 0) add('--allow-unix', 'the kernel compares no names of Unix sockets');
  return obstacles;
}

/** Of the rules about changes one that denies a place in a tree where they are allowed. */
function exceptionIn(files: FilePolicy | undefined): Rule | undefined {
  return files?.rules?.find(
    ({ effect, place }) =>
      effect === 'deny' && place.kind === 'path' && files.writable.some((tree) => isWithin(place.path, tree)),
  );
}

/** What else stands in the way, once the places of the rules have been looked at. */
export function readingObstacles({ policy, reading }: Plan): Obstacle[] {
  const said = policy.read?.find(({ effect }) => effect === 'deny')?.said;
  return reading?.heldBy === 'supervisor' ? [{ option: said, reason: reading.why }] : [];
}

/** `--denied-netmasks`. */
function optionOf({ said }: DestinationRule): string {
  return said.replace(/=[^]*/, '');
}

/**
 * Makes the plan of a policy that has no obstacles.
 * @param ownSession nobody else is in the session that the command is to begin in
 */
export function makeKernelPlan(
  policy: Policy,
  features: KernelFeatures,
  terminals: readonly PathBytes[],
  ownSession: boolean,
  surroundings?: Surroundings,
): KernelPlan {
  const ports = policy.network?.kind === 'listed' ? policy.network.ports : undefined;
  const plan = makePlan(policy, features, {
    refer: undefined,
    judges: new Set(),
    terminals,
    ownSession,
    ...(surroundings && { surroundings }),
    kernelDecides: new Set(['files', 'credentials']),
    ...(restrictsAnything(policy) ? { sockets: socketsOf(policy) } : {}),
  });
  const { landlock } = plan;
  return {
    ...plan,
    ports,
    landlock:
      landlock === undefined || ports === undefined
        ? landlock
        : { ...landlock, ruleset: { ...landlock.ruleset, handledAccessNet: AccessNet.CONNECT_TCP } },
  };
}

function socketsOf(policy: Policy): UnjudgedSockets {
  switch (policy.network?.kind) {
    case undefined:
    case 'families':
      return 'any';
    case 'listed':
      return 'tcp';
    case 'none':
      return 'none';
  }
}
