/** Makes the Landlock ruleset of a plan, and notes which allowed paths it backs. */
import { readdirSync } from 'node:fs';
import { AT_FDCWD, S_IFDIR, S_IFMT, fileMode, fstat, openPath, terminated } from '../linux/files.ts';
import { addPathRule, createRuleset } from '../linux/landlock.ts';
import { close } from '../linux/libc.ts';
import { SyscallError } from '../linux/errno.ts';
import type { Backing, WritablePath } from '../judge/path-set.ts';
import { isKernelTree } from '../judge/path-set.ts';
import { grantedRights } from '../plan/landlock.ts';
import type { LandlockPlan, Plan } from '../plan/plan.ts';
import type { PathBytes } from '../policy/policy.ts';

export interface Ruleset {
  /** To be enforced by the launcher; undefined where there is no Landlock. */
  readonly descriptor: number | undefined;
  readonly writable: readonly WritablePath[];
}

const UNBACKED: Backing = { kind: 'none' };
const DIRECTORY: Backing = { kind: 'directory' };
const ROOT = Buffer.from('/');

/** Creates the ruleset and adds a rule for every allowed path that exists. Throws a SyscallError. */
export function makeRuleset(plan: Plan): Ruleset {
  const { landlock } = plan;
  const devices = new Set(plan.devices.map((device) => device.toString('latin1')));
  const isFixed = (path: PathBytes): boolean => devices.has(path.toString('latin1'));
  if (landlock === undefined) {
    const writable = plan.writable.map((path) => ({ path, backing: UNBACKED, fixed: isFixed(path) }));
    return { descriptor: undefined, writable };
  }
  const descriptor = createRuleset(landlock.ruleset, landlock.abi);
  if (descriptor < 0) throw new SyscallError('landlock_create_ruleset', -descriptor);
  const writable = plan.writable.flatMap(belowRoot).map((path) => ({
    path,
    backing: plan.policy.files === undefined ? UNBACKED : addRule(descriptor, landlock, path),
    fixed: isFixed(path),
  }));
  return { descriptor, writable };
}

/**
 * A rule at `/` would hold for /proc and /sys too, and Landlock knows no exceptions. So it becomes one for each
 * directory that is there now; new names in `/` itself are left to the supervisor.
 */
function belowRoot(path: PathBytes): PathBytes[] {
  if (!path.equals(ROOT)) return [path];
  const names = readdirSync(ROOT, { encoding: 'buffer', withFileTypes: true });
  const children = names
    .filter((entry) => !entry.isSymbolicLink())
    .map((entry) => Buffer.concat([ROOT, entry.name]));
  return [path, ...children.filter((child) => !isKernelTree(child))];
}

function addRule(ruleset: number, landlock: LandlockPlan, path: PathBytes): Backing {
  if (path.equals(ROOT) || isKernelTree(path)) return UNBACKED;
  const descriptor = openPath(AT_FDCWD, terminated(path));
  if (descriptor < 0) return UNBACKED;
  const backing = backingOf(descriptor);
  const isDirectory = backing.kind === 'directory';
  const result =
    backing.kind === 'none'
      ? 0
      : addPathRule(ruleset, grantedRights(landlock.ruleset.handledAccessFs, isDirectory), descriptor);
  close(descriptor);
  if (result < 0) throw new SyscallError('landlock_add_rule', -result);
  return backing;
}

function backingOf(descriptor: number): Backing {
  const mode = fileMode(descriptor);
  if (mode < 0) return UNBACKED;
  if ((mode & S_IFMT) === S_IFDIR) return DIRECTORY;
  const status = fstat(descriptor);
  return typeof status === 'number' ? UNBACKED : { kind: 'file', device: status.device, inode: status.inode };
}
