/** Makes the Landlock ruleset of a plan, and notes what of it Landlock decides. */
import {
  AT_FDCWD,
  F_OK,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  S_IFDIR,
  S_IFMT,
  fstat,
  openPath,
  terminated,
} from '../../linux/files.ts';
import { AccessFs, addPathRule, createRuleset } from '../../linux/landlock.ts';
import { close, openText, syscallMemory2 } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { Errno, SyscallError } from '../../linux/errno.ts';
import type { Backing, WritablePath } from '../../judge/path-set.ts';
import { grantedRights } from '../../plan/landlock.ts';
import {
  allowedIn,
  allowedTrees,
  entryOf,
  marksOf,
  placeTree,
  waysOf,
  type Mark,
  type PlaceTree,
} from '../../plan/place-tree.ts';
import type { LandlockPlan, Plan } from '../../plan/plan.ts';
import type { ReadingPlan } from '../../plan/reading.ts';
import type { PathBytes } from '../../policy/policy.ts';
import { isWithin } from '../../policy/within.ts';
import { addTerminalCommands, isItsDevice } from './fixed-devices.ts';
import { namesIn } from './listing.ts';

export interface Ruleset {
  /** To be enforced by the launcher; undefined where there is no Landlock. */
  readonly descriptor: number | undefined;
  readonly writable: readonly WritablePath[];
  /**
   * Trees that Landlock allows to be read, where a supervisor asks: what lies there is decided by it alone. Interfaces of the kernel
   * lie there as everything else does.
   */
  readonly readable: readonly WritablePath[];
}

const UNBACKED: Backing = { kind: 'none' };
const DIRECTORY: Backing = { kind: 'directory' };
const ROOT = Buffer.from('/');
const EBADFD = 77;
const ASCII_PATTERN = /^[ -~]*$/;
/**
 * Of a directory around a place that is not changed: more would make every open slower and the start by milliseconds, and the
 * supervisor is there for them. Around what is not read all are listed: what Landlock does not allow nobody executes.
 */
const MOST_ENTRIES = 1000;

/** Creates the ruleset and adds a rule for everything allowed that exists. Throws a SyscallError. */
export function makeRuleset(plan: Plan): Ruleset {
  const { landlock } = plan;
  const devices = plan.devices.filter(isItsDevice);
  const paths = plan.policy.files?.writable ?? [ROOT];
  if (landlock === undefined) {
    const writable = [
      ...devices.map((path) => ({ path, backing: UNBACKED, fixed: true })),
      ...paths.map((path) => ({ path, backing: UNBACKED })),
    ];
    return { descriptor: undefined, writable, readable: [] };
  }
  const descriptor = createRuleset(landlock.ruleset, landlock.abi);
  if (descriptor < 0) throw new SyscallError('landlock_create_ruleset', -descriptor);
  try {
    if (plan.policy.files === undefined) allowMoves(descriptor, landlock);
    else addTerminalCommands(descriptor, plan, landlock);
    const writable = allowChanges(descriptor, plan, landlock, devices, paths);
    if (plan.policy.execute !== undefined)
      allow(descriptor, AccessFs.EXECUTE, placeTree(marksOf(plan.policy.execute), 'allow'));
    const { reading } = plan;
    const readable = reading === undefined ? [] : allowReading(descriptor, reading);
    return { descriptor, writable, readable };
  } catch (error) {
    close(descriptor);
    throw error;
  }
}

/** Where files are not restricted: moving and linking between directories, which every ruleset closes. */
function allowMoves(ruleset: number, { ruleset: { handledAccessFs } }: LandlockPlan): void {
  const right = handledAccessFs & AccessFs.REFER;
  if (right === 0) return;
  const root = openPath(AT_FDCWD, terminated(ROOT));
  const result = root < 0 ? root : addPathRule(ruleset, right, root);
  if (root >= 0) close(root);
  if (result < 0) throw new SyscallError('landlock_add_rule', -result);
}

/** What is directly in the directories around places that stay as they are, and new there, is left to the supervisor. */
function allowChanges(
  ruleset: number,
  { policy, interfaces, denied }: Plan,
  landlock: LandlockPlan,
  devices: readonly PathBytes[],
  paths: readonly PathBytes[],
): WritablePath[] {
  const undecided = [...interfaces, ...denied];
  const tree = placeTree(
    [
      ...paths.map((path): Mark => ({ path, effect: 'allow' })),
      ...marksOf(policy.files?.rules ?? []),
      ...undecided.map((path): Mark => ({ path, effect: 'undecided' })),
    ],
    'deny',
  );
  const whole = allowedTrees(tree, (directory) => namesIn(directory, MOST_ENTRIES))
    .filter(({ isDecided }) => isDecided)
    .map(({ path }) => ({ path, backing: addChanges(ruleset, landlock, path) }));
  const backed = new Set(whole.map(({ path }) => path.toString('latin1')));
  return [
    ...devices.map((path) => ({
      path,
      backing: undecided.some((place) => isWithin(path, place))
        ? UNBACKED
        : addChanges(ruleset, landlock, path),
      fixed: true,
    })),
    ...waysOf(tree).flatMap(({ path, isDecided }) => (isDecided ? [{ path, backing: UNBACKED }] : [])),
    ...paths
      .filter((path) => !backed.has(path.toString('latin1')))
      .map((path) => {
        const isCovered = whole.some((each) => isWithin(path, each.path));
        return { path, backing: isCovered ? addChanges(ruleset, landlock, path) : UNBACKED };
      }),
    ...whole,
  ];
}

function addChanges(
  ruleset: number,
  { ruleset: { handledAccessFs } }: LandlockPlan,
  path: PathBytes,
): Backing {
  const descriptor = openPath(AT_FDCWD, terminated(path), O_NOFOLLOW);
  if (descriptor < 0) return UNBACKED;
  try {
    // The rights of a directory are refused for anything else: whether it is one needs no call of its own.
    const asDirectory = addPathRule(ruleset, grantedRights(handledAccessFs, true), descriptor);
    if (asDirectory >= 0) return DIRECTORY;
    if (asDirectory !== -Errno.EINVAL) throw new SyscallError('landlock_add_rule', -asDirectory);
    const status = fstat(descriptor);
    if (typeof status === 'number') return UNBACKED;
    const asFile = addPathRule(ruleset, grantedRights(handledAccessFs, false), descriptor);
    if (asFile < 0) throw new SyscallError('landlock_add_rule', -asFile);
    return { kind: 'file', device: status.device, inode: status.inode };
  } finally {
    close(descriptor);
  }
}

/** In trees that may hold what a pattern denies Landlock allows all but what paths deny: else nothing there could be executed. */
function allowReading(ruleset: number, { places, listed, heldBy, landlock }: ReadingPlan): WritablePath[] {
  if (landlock === 'nothing') return [];
  const isAsked = heldBy === 'supervisor' && landlock === 'all';
  return allow(
    ruleset,
    AccessFs.READ_FILE,
    places,
    isAsked,
    (directory) => listed?.get(directory.toString('latin1')) ?? listing(directory),
  );
}

/** A right at every tree that rules allow. Returns those that are decided thereby, if they are asked for. */
function allow(
  ruleset: number,
  right: number,
  places: PlaceTree,
  isAsked = false,
  list = listing,
): WritablePath[] {
  const decided: WritablePath[] = [];
  const add = (descriptor: number, isDecided: boolean, path: () => PathBytes): void => {
    if (descriptor < 0) return;
    const result = addPathRule(ruleset, right, descriptor);
    const backing = isAsked && isDecided && result >= 0 ? backingOf(descriptor) : UNBACKED;
    close(descriptor);
    // Files that no path leads to, such as a namespace that is mounted, have no rules (EBADFD).
    if (result < 0 && result !== -EBADFD) throw new SyscallError('landlock_add_rule', -result);
    if (backing !== UNBACKED) decided.push({ path: path(), backing });
  };
  for (const { path, names, isDecided } of allowedIn(places, list)) {
    if (names === undefined) {
      add(openPath(AT_FDCWD, terminated(path), O_NOFOLLOW), isDecided, () => path);
      continue;
    }
    const directory = openPath(AT_FDCWD, terminated(path), O_NOFOLLOW | O_DIRECTORY);
    if (directory < 0) continue;
    try {
      for (const name of names) add(openEntry(directory, name), isDecided, () => entryOf(path, name));
    } finally {
      close(directory);
    }
  }
  return decided;
}

/** Undefined where nothing is: an error that is made with its stack costs more than to ask first. */
function listing(directory: PathBytes): readonly string[] | undefined {
  const result = syscallMemory2(X86_64.faccessat, AT_FDCWD, terminated(directory), F_OK, 0, 0);
  return result === -Errno.ENOENT || result === -Errno.ENOTDIR ? undefined : namesIn(directory);
}

/** With O_PATH, and a link as itself. The common case copies nothing. */
function openEntry(directory: number, name: string): number {
  return ASCII_PATTERN.test(name)
    ? openText(directory, name, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0)
    : openPath(directory, terminated(Buffer.from(name, 'latin1')), O_NOFOLLOW);
}

function backingOf(descriptor: number): Backing {
  const status = fstat(descriptor);
  if (typeof status === 'number') return UNBACKED;
  return (status.mode & S_IFMT) === S_IFDIR
    ? DIRECTORY
    : { kind: 'file', device: status.device, inode: status.inode };
}
