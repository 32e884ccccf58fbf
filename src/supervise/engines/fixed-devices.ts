/** Devices that every file policy opens, and the terminals that are changed: what Landlock is told of them. */
import { AT_FDCWD, S_IFCHR, S_IFMT, fileSystemType, fstat, openPath, terminated } from '../../linux/files.ts';
import { AccessFs, addPathRule } from '../../linux/landlock.ts';
import { close } from '../../linux/libc.ts';
import { SyscallError } from '../../linux/errno.ts';
import { CONTROLLING_TERMINAL } from '../../linux/terminal.ts';
import type { LandlockPlan, Plan } from '../../plan/plan.ts';
import type { PathBytes } from '../../policy/policy.ts';

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

/** Whether a device that nobody named is one, and the one that its name says: something else may have taken its place. */
export function isItsDevice(path: PathBytes): boolean {
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
 * (files/terminal-change.ts); without one it is that of the session alone. Throws a SyscallError.
 */
export function addTerminalCommands(
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
