/** Policy × what this kernel can do → plan. Pure data, printable: nothing is done here. */
import { namesPolicy } from '../policy/judges-names.ts';
import type { RulesetAttributes } from '../linux/landlock.ts';
import { Scope } from '../linux/landlock.ts';
import { SHARED_MEMORY, restrictsAnything, type PathBytes, type Policy } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import type { Action } from '../seccomp/expression.ts';
import type { Judge } from './catalogue.ts';
import type { KernelFeatures } from './features.ts';
import type { Situation, UnjudgedSockets } from './filter/situation.ts';
import { rulesetAttributes } from './landlock.ts';
import { planReading, type ReadingFacts, type ReadingPlan } from './reading.ts';

/** Devices that hold nothing: always writable. Not /dev/tty: which terminal that means, a program chooses itself. */
const ALWAYS_WRITABLE = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom'] as const;

const SLASH = '/';
const ROOT: PathBytes = Buffer.from(SLASH);

export interface Plan {
  readonly policy: Policy;
  readonly landlock: LandlockPlan | undefined;
  /** What the filter depends on (filter/program.ts makes it). */
  readonly situation: Situation;
  /** Besides what the policy names: devices, to be written to and to stay as they are. Empty where files are not restricted. */
  readonly devices: readonly PathBytes[];
  /** Directories where what the sandbox makes is its own. Without a supervisor there are none. */
  readonly own: readonly PathBytes[];
  /** Where interfaces of the kernel are mounted, none within another: they are changed only where the policy names them. */
  readonly interfaces: readonly PathBytes[];
  /** Places in the trees that the policy allows where nothing is changed. */
  readonly denied: readonly PathBytes[];
  /** Undefined: everything may be read. */
  readonly reading: ReadingPlan | undefined;
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
  readonly ownSession?: boolean;
  readonly sockets?: UnjudgedSockets;
  readonly surroundings?: Surroundings;
  /** Somebody is told of each refusal. */
  readonly wantsReports?: boolean;
}

/** What a plan depends on of the machine and of this run, beside the kernel. */
export interface Surroundings {
  /** Mounts of file systems that are interfaces of the kernel. */
  readonly interfaces: readonly PathBytes[];
  /** Whether the command may make names where Landlock has no rule: in the root, as root may, or where what it holds is not known. */
  readonly changesRoot: boolean;
  /** What secfilt itself was started from, is set up by and writes to: stays as it is where changes are allowed around it. */
  readonly own: readonly PathBytes[];
  /** Undefined: nobody has looked, or nothing about reading is to be held. */
  readonly reading?: ReadingFacts;
}

/** The most that there may be, as long as nobody has looked. */
const UNKNOWN: Surroundings = { interfaces: [], changesRoot: true, own: [] };
const INTERFACES: readonly PathBytes[] = [Buffer.from('/proc'), Buffer.from('/sys')];

/** Why rules about executing cannot be held at all; they are the kernel's alone, which reads the path for itself. */
export function executeObstacle(
  { execute }: Policy,
  { landlockAbi }: Pick<KernelFeatures, 'landlockAbi'>,
): string | undefined {
  const first = execute?.[0];
  if (first === undefined || landlockAbi > 0) return undefined;
  return `${first.said} needs Landlock, which this kernel does not have: leave it out, or deny reading what is not to be started (--read-deny)`;
}

/** Makes the plan. What a kernel lacks is taken over by the supervisor, which the filter then refers more to. */
export function makePlan(given: Policy, features: KernelFeatures, options: PlanOptions): Plan {
  const { surroundings = UNKNOWN } = options;
  const reading = planReading(given, surroundings.reading, {
    hasLandlock: features.landlockAbi > 0,
    wantsReports: options.wantsReports === true,
  });
  const refersReads = reading?.heldBy === 'supervisor' && options.refer !== undefined;
  const policy = refersReads ? withJudgedNames(given) : given;
  const restrictsFiles = policy.files !== undefined;
  const interfaces = outermost([...INTERFACES, ...surroundings.interfaces]);
  const abstractExceptions =
    policy.anyUnixSocket === true || policy.unixSockets.some((name) => name.kind === 'abstract');
  const ruleset = rulesetAttributes(
    features.landlockAbi,
    restrictsFiles,
    restrictsAnything(policy) && !abstractExceptions,
    options.refer !== undefined,
    { read: reading !== undefined && reading.landlock !== 'nothing', execute: policy.execute !== undefined },
  );
  const restrictsDestinations = policy.network !== undefined && policy.network.kind !== 'families';
  const supervised = options.refer !== undefined;
  const signalScope = ruleset !== undefined && (ruleset.scoped & Scope.SIGNAL) !== 0;
  const situation: Situation = {
    restrictsFiles,
    names: restrictsFiles || !leavesNames(ruleset, interfaces, surroundings) ? 'all' : 'existing',
    withoutCores: restrictsFiles && (ruleset === undefined || features.coreHandler),
    refersReads,
    ...(reading !== undefined && !restrictsFiles && { restrictsReadingAlone: true }),
    restrictsNetwork: policy.network !== undefined,
    restrictsDestinations,
    ...(policy.listen !== undefined &&
      !(restrictsDestinations && supervised) && { restrictsListening: true }),
    ...(namesPolicy(policy) && supervised && !options.sockets && { judgesNames: true }),
    landlockDomain: ruleset !== undefined,
    signalScope,
    refer: options.refer,
    judges: options.judges,
    ...(options.kernelDecides && { kernelDecides: options.kernelDecides }),
    ...(options.ownSession === true && { ownSession: true }),
    ...(options.sockets && { sockets: options.sockets }),
  };
  const devices = [...ALWAYS_WRITABLE.map((path) => Buffer.from(path)), ...options.terminals];
  const own = ownDirectories(policy, options.refer !== undefined);
  return {
    policy,
    own,
    landlock: ruleset && { abi: features.landlockAbi, ruleset, signalScope },
    situation,
    devices: policy.files === undefined ? [] : devices,
    interfaces,
    denied: surroundings.own.filter((place) =>
      [...(policy.files?.writable ?? []), ...own].some(
        (tree) => isWithin(place, tree) || isWithin(tree, place),
      ),
    ),
    reading,
    waitKillable: features.waitKillable,
  };
}

/** Whoever judges what is read has to see how names change: what is denied under one is not read by another. */
function withJudgedNames(policy: Policy): Policy {
  return policy.files === undefined ? { ...policy, files: { writable: [ROOT] } } : policy;
}

/** Landlock knows nothing of who made what. */
function ownDirectories({ files }: Policy, supervised: boolean): readonly PathBytes[] {
  return files === undefined || !supervised ? [] : [SHARED_MEMORY, ...(files.own ?? [])];
}

/**
 * Where files are not restricted Landlock allows changes in each directory of the root but the interfaces of the kernel. That
 * is all there is to decide about new names where nobody makes any in the root itself, and no interface lies deeper.
 */
function leavesNames(
  ruleset: RulesetAttributes | undefined,
  interfaces: readonly PathBytes[],
  { changesRoot }: Surroundings,
): boolean {
  return ruleset !== undefined && !changesRoot && interfaces.every((tree) => tree.lastIndexOf(SLASH) === 0);
}

function outermost(paths: readonly PathBytes[]): PathBytes[] {
  return paths.filter(
    (path, index) =>
      !paths.some(
        (other, at) => at !== index && isWithin(path, other) && (at < index || !path.equals(other)),
      ),
  );
}
