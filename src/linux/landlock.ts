/** Landlock: its three calls and their constants (landlock(7), include/uapi/linux/landlock.h). */
import { Errno } from './errno.ts';
import { addressOf, syscall, syscallMemory1, syscallMemory3 } from './libc.ts';

const SYS_LANDLOCK_CREATE_RULESET = 444;
const SYS_LANDLOCK_ADD_RULE = 445;
const SYS_LANDLOCK_RESTRICT_SELF = 446;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const LANDLOCK_RULE_NET_PORT = 2;

export const AccessFs = {
  EXECUTE: 1 << 0,
  WRITE_FILE: 1 << 1,
  READ_FILE: 1 << 2,
  READ_DIR: 1 << 3,
  REMOVE_DIR: 1 << 4,
  REMOVE_FILE: 1 << 5,
  MAKE_CHAR: 1 << 6,
  MAKE_DIR: 1 << 7,
  MAKE_REG: 1 << 8,
  MAKE_SOCK: 1 << 9,
  MAKE_FIFO: 1 << 10,
  MAKE_BLOCK: 1 << 11,
  MAKE_SYM: 1 << 12,
  /** ABI 2. */
  REFER: 1 << 13,
  /** ABI 3. */
  TRUNCATE: 1 << 14,
  /** ABI 5. */
  IOCTL_DEV: 1 << 15,
} as const;

/** ABI 4. */
export const AccessNet = { BIND_TCP: 1 << 0, CONNECT_TCP: 1 << 1 } as const;

export const Scope = {
  /** ABI 6, as is SIGNAL. */
  ABSTRACT_UNIX_SOCKET: 1 << 0,
  SIGNAL: 1 << 1,
} as const;

export interface RulesetAttributes {
  readonly handledAccessFs: number;
  readonly handledAccessNet: number;
  readonly scoped: number;
}

/** The ABI version of the running kernel; 0 where Landlock is not built in or not switched on. */
export function landlockAbi(): number {
  const version = syscall(SYS_LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0, 0);
  return version < 0 ? 0 : version;
}

/** landlock_create_ruleset(2). Returns a descriptor (close-on-exec), or a negated error number. */
export function createRuleset(attributes: RulesetAttributes, abi: number): number {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, attributes.handledAccessFs, true);
  view.setUint32(8, attributes.handledAccessNet, true);
  view.setUint32(16, attributes.scoped, true);
  // Older kernels take longer structs if what they do not know is zero; a struct of their own length always works.
  const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  if (abi < 6 && attributes.scoped !== 0) return -Errno.EINVAL;
  return syscallMemory1(SYS_LANDLOCK_CREATE_RULESET, bytes, size, 0, 0);
}

/** Memory of its own, which never moves: there may be a thousand rules. */
const pathBeneath = new Uint8Array(new ArrayBuffer(4096));
const pathBeneathView = new DataView(pathBeneath.buffer);
let pathBeneathAddress: number | undefined;

/** landlock_add_rule(2) for the hierarchy at an open file (O_PATH will do). 0, or a negated error number. */
export function addPathRule(ruleset: number, access: number, descriptor: number): number {
  pathBeneathView.setUint32(0, access, true);
  pathBeneathView.setInt32(8, descriptor, true);
  pathBeneathAddress ??= Number(addressOf(pathBeneath));
  return syscall(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, pathBeneathAddress, 0, 0, 0);
}

/** landlock_add_rule(2) for a TCP port (host byte order). 0, or a negated error number. */
export function addPortRule(ruleset: number, access: number, port: number): number {
  const rule = new Uint8Array(16); // struct landlock_net_port_attr
  const view = new DataView(rule.buffer);
  view.setUint32(0, access, true);
  view.setUint32(8, port, true);
  return syscallMemory3(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_NET_PORT, rule, 0, 0);
}

/** landlock_restrict_self(2), for the calling thread. 0, or a negated error number. */
export function restrictSelf(ruleset: number): number {
  return syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0, 0, 0, 0);
}
