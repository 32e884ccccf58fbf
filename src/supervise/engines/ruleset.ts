/** Makes the Landlock ruleset of a plan, and notes which allowed paths it backs. */
import { opendirSync } from 'node:fs';
import {
  AT_FDCWD,
  O_NOFOLLOW,
  S_IFCHR,
  S_IFMT,
  fileSystemType,
  fstat,
  openPath,
  terminated,
} from '../../linux/files.ts';
import { AccessFs, addPathRule, createRuleset } from '../../linux/landlock.ts';
import { close } from '../../linux/libc.ts';
import { Errno, SyscallError } from '../../linux/errno.ts';
import { CONTROLLING_TERMINAL } from '../../linux/terminal.ts';
import type { Backing, WritablePath } from '../../judge/path-set.ts';
import { grantedRights } from '../../plan/landlock.ts';
import type { LandlockPlan, Plan } from '../../plan/plan.ts';
import type { PathBytes } from '../../policy/policy.ts';
import { isWithin } from '../../policy/within.ts';

export interface Ruleset {
  /** To be enforced by the launcher; undefined where there is no Landlock. */
  readonly descriptor: number | undefined;
  readonly writable: readonly WritablePath[];
  /** What Landlock allows to be read, where it is asked. */
  readonly readable: readonly WritablePath[];
}

const UNBACKED: Backing = { kind: 'none' };
const DIRECTORY: Backing = { kind: 'directory' };
const ROOT = Buffer.from('/');
/** Of a directory around a hole: more would make every open slower and the start by milliseconds. */
const MOST_ENTRIES = 1000;
/** Major and minor numbers (null(4), random(4)); a terminal may have any. */
export const DEVICE_NUMBERS: ReadonlyMap<string, bigint> = new Map([
  ['/dev/null', 0x103n],
  ['/dev/zero', 0x105n],
  ['/dev/full', 0x107n],
  ['/dev/random', 0x108n],
  ['/dev/urandom', 0x109n],
]);
export const TTY = Buffer.from('/dev/tty');
const PSEUDO_TERMINALS = Buffer.from('/dev/pts');
const DEVPTS_SUPER_MAGIC = 0x1cd1;

/** Creates the ruleset and adds a rule for every allowed path that exists. Throws a SyscallError. */
export function makeRuleset(plan: Plan): Ruleset {
  const { landlock } = plan;
  const devices = plan.devices.filter(isItsDevice);
  const paths = [...devices, ...(plan.policy.files?.writable ?? [ROOT])];
  const names = new Set(devices.map((device) => device.toString('latin1')));
  const isFixed = (path: PathBytes): boolean => names.has(path.toString('latin1'));
  if (landlock === undefined) {
    const writable = paths.map((path) => ({ path, backing: UNBACKED, fixed: isFixed(path) }));
    return { descriptor: undefined, writable, readable: [] };
  }
  const descriptor = createRuleset(landlock.ruleset, landlock.abi);
  if (descriptor < 0) throw new SyscallError('landlock_create_ruleset', -descriptor);
  try {
    if (plan.policy.files === undefined) allowMoves(descriptor, landlock);
    else addTerminalCommands(descriptor, plan, landlock);
    const holes = [...plan.interfaces, ...plan.denied];
    const writable = paths
      .flatMap((path) => around(path, holes))
      .map(({ path, isWhole }) => ({
        path,
        backing: isWhole ? addRule(descriptor, landlock, path) : UNBACKED,
        fixed: isFixed(path),
      }));
    return { descriptor, writable, readable: [] };
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

/** Whether a device that nobody named is one, and the one that its name says: something else may have taken its place. */
function isItsDevice(path: PathBytes): boolean {
  const descriptor = openPath(AT_FDCWD, terminated(path));
  if (descriptor < 0) return false;
  const status = fstat(descriptor);
  close(descriptor);
  if (typeof status === 'number' || (status.mode & S_IFMT) !== S_IFCHR) return false;
  const number = DEVICE_NUMBERS.get(path.toString('latin1'));
  return number === undefined || number === status.rawDevice;
}

/**
 * Pagers open /dev/tty for reading and set its modes, stty a terminal by its name. Only that is allowed, not writing: a program may
 * have taken another terminal (files/controlling-terminal.ts). Which terminal is changed the supervisor judges
 * (files/terminal-change.ts); without one it is that of the session alone.
 */
function addTerminalCommands(
  ruleset: number,
  { situation }: Plan,
  { ruleset: { handledAccessFs } }: LandlockPlan,
): void {
  const rights = handledAccessFs & AccessFs.IOCTL_DEV;
  if (rights === 0) return;
  addRuleWhere(ruleset, rights, TTY, isControllingTerminal);
  if (situation.refer !== undefined) addRuleWhere(ruleset, rights, PSEUDO_TERMINALS, isDevpts);
}

function isControllingTerminal(descriptor: number): boolean {
  const status = fstat(descriptor);
  return typeof status !== 'number' && status.rawDevice === CONTROLLING_TERMINAL;
}

function isDevpts(descriptor: number): boolean {
  return fileSystemType(descriptor) === DEVPTS_SUPER_MAGIC;
}

function addRuleWhere(
  ruleset: number,
  rights: number,
  path: PathBytes,
  isWhatItSays: (descriptor: number) => boolean,
): void {
  const descriptor = openPath(AT_FDCWD, terminated(path));
  if (descriptor < 0) return;
  const result = isWhatItSays(descriptor) ? addPathRule(ruleset, rights, descriptor) : 0;
  close(descriptor);
  if (result < 0) throw new SyscallError('landlock_add_rule', -result);
}

interface Tree {
  readonly path: PathBytes;
  /** No hole lies in it, and it lies in none. */
  readonly isWhole: boolean;
}

/**
 * A rule for a directory holds for all below it, and Landlock knows no exceptions. So around holes it becomes one for each entry
 * that is there now; what is directly in the directories on the way to them, and new there, is left to the supervisor.
 */
function around(path: PathBytes, holes: readonly PathBytes[]): Tree[] {
  if (holes.some((hole) => isWithin(path, hole))) return [{ path, isWhole: false }];
  const inner = holes.filter((hole) => isWithin(hole, path));
  if (inner.length === 0) return [{ path, isWhole: true }];
  const children = entriesOf(path).filter((entry) => !inner.some((hole) => hole.equals(entry)));
  return [{ path, isWhole: false }, ...children.flatMap((child) => around(child, inner))];
}

/** No links: what they lead to has a name of its own. None where there are too many, or the directory cannot be read. */
export function entriesOf(directory: PathBytes): PathBytes[] {
  const prefix = directory.equals(ROOT) ? ROOT : Buffer.concat([directory, ROOT]);
  const entries: PathBytes[] = [];
  try {
    const open = opendirSync(directory, { encoding: 'latin1' });
    let entry = open.readSync();
    for (; entry !== null && entries.length < MOST_ENTRIES; entry = open.readSync())
      if (!entry.isSymbolicLink()) entries.push(Buffer.concat([prefix, Buffer.from(entry.name, 'latin1')]));
    open.closeSync();
    return entry === null ? entries : [];
  } catch {
    return [];
  }
}

function addRule(ruleset: number, landlock: LandlockPlan, path: PathBytes): Backing {
  const descriptor = openPath(AT_FDCWD, terminated(path), O_NOFOLLOW);
  if (descriptor < 0) return UNBACKED;
  try {
    return addRuleAt(ruleset, landlock.ruleset.handledAccessFs, descriptor);
  } finally {
    close(descriptor);
  }
}

function addRuleAt(ruleset: number, handled: number, descriptor: number): Backing {
  // The rights of a directory are refused for anything else: whether it is one needs no call of its own.
  const asDirectory = addPathRule(ruleset, grantedRights(handled, true), descriptor);
  if (asDirectory >= 0) return DIRECTORY;
  if (asDirectory !== -Errno.EINVAL) throw new SyscallError('landlock_add_rule', -asDirectory);
  const status = fstat(descriptor);
  if (typeof status === 'number') return UNBACKED;
  const asFile = addPathRule(ruleset, grantedRights(handled, false), descriptor);
  if (asFile < 0) throw new SyscallError('landlock_add_rule', -asFile);
  return { kind: 'file', device: status.device, inode: status.inode };
}
