/** What Landlock is told: the rights that every ABI has, and which of them a file or a directory may be given. */
import { AccessFs, Scope, type RulesetAttributes } from '../linux/landlock.ts';

const WRITE_ABI_1 =
  AccessFs.WRITE_FILE |
  AccessFs.REMOVE_DIR |
  AccessFs.REMOVE_FILE |
  AccessFs.MAKE_CHAR |
  AccessFs.MAKE_DIR |
  AccessFs.MAKE_REG |
  AccessFs.MAKE_SOCK |
  AccessFs.MAKE_FIFO |
  AccessFs.MAKE_BLOCK |
  AccessFs.MAKE_SYM;

/** The rights that make sense for a file that is no directory; others make landlock_add_rule fail (EINVAL). */
const OF_A_FILE = AccessFs.WRITE_FILE | AccessFs.TRUNCATE | AccessFs.IOCTL_DEV;

/** All rights by which an ABI version knows changes of files (landlock(7)). */
export function writeRights(abi: number): number {
  if (abi < 1) return 0;
  return (
    WRITE_ABI_1 |
    (abi >= 2 ? AccessFs.REFER : 0) |
    (abi >= 3 ? AccessFs.TRUNCATE : 0) |
    (abi >= 5 ? AccessFs.IOCTL_DEV : 0)
  );
}

/** What other rules than those about changes give. */
const OF_OTHERS = AccessFs.READ_FILE | AccessFs.EXECUTE;

/** Rights to change things that are given at an allowed path, of those that the ruleset handles. Device nodes are never made. */
export function grantedRights(handled: number, isDirectory: boolean): number {
  const granted = handled & ~(AccessFs.MAKE_CHAR | AccessFs.MAKE_BLOCK | OF_OTHERS);
  return isDirectory ? granted : granted & OF_A_FILE;
}

/** What is not handled where files are not restricted: for interfaces of the kernel it counts for nothing. */
const OF_FILES_ALONE = AccessFs.TRUNCATE | AccessFs.IOCTL_DEV;

export function scopes(abi: number, abstractSockets: boolean): number {
  if (abi < 6) return 0;
  return Scope.SIGNAL | (abstractSockets ? Scope.ABSTRACT_UNIX_SOCKET : 0);
}

/**
 * The ruleset of a sandbox, or undefined where there is no Landlock. Even a policy without file rules makes one: the
 * domain keeps ptrace(2) and signals inside, and interfaces of the kernel from changes.
 *
 * Under a supervisor truncation is not handled: the kernel would look up every file that is opened, for reading too, to
 * note whether it may be truncated later, which makes such an open a fifth slower. Whoever opens for writing is asked about
 * that; what truncates without is performed by the supervisor (judge/files.ts).
 *
 * READ_DIR is never handled: what is listed would have to be allowed, and thereby all below it too. So names stay visible.
 */
export function rulesetAttributes(
  abi: number,
  restrictsFiles: boolean,
  scopeAbstractSockets: boolean,
  supervised: boolean,
  restricts: { readonly read: boolean; readonly execute: boolean } = { read: false, execute: false },
): RulesetAttributes | undefined {
  if (abi < 1) return undefined;
  const handled = writeRights(abi) & ~(supervised ? AccessFs.TRUNCATE : 0);
  const changes = restrictsFiles ? handled : handled & ~OF_FILES_ALONE;
  return {
    handledAccessFs:
      changes | (restricts.read ? AccessFs.READ_FILE : 0) | (restricts.execute ? AccessFs.EXECUTE : 0),
    handledAccessNet: 0,
    scoped: scopes(abi, scopeAbstractSockets),
  };
}
