/**
 * Actions as the number a program returns: action in the high 16 bits, data in the low (linux/seccomp.h, seccomp(2)).
 */
import type { Action } from './expression.ts';

export const SECCOMP_RET_KILL_PROCESS = 0x80000000;
export const SECCOMP_RET_KILL_THREAD = 0x00000000;
export const SECCOMP_RET_TRAP = 0x00030000;
export const SECCOMP_RET_ERRNO = 0x00050000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_LOG = 0x7ffc0000;
export const SECCOMP_RET_ALLOW = 0x7fff0000;

const SECCOMP_RET_ACTION_FULL = 0xffff0000;
const SECCOMP_RET_DATA = 0x0000ffff;
/** Largest error the kernel returns (MAX_ERRNO of linux/err.h); it cuts larger data down to this. */
const MAX_ERRNO = 4095;

const WITHOUT_DATA = {
  allow: SECCOMP_RET_ALLOW,
  notify: SECCOMP_RET_USER_NOTIF,
  kill: SECCOMP_RET_KILL_PROCESS,
};

/** The number for an action. RangeError if its errno or data does not fit. */
export function encodeAction(action: Action): number {
  if (action.kind === 'errno') return SECCOMP_RET_ERRNO + requireData(action.errno, MAX_ERRNO);
  if (action.kind === 'trace') return SECCOMP_RET_TRACE + requireData(action.data, SECCOMP_RET_DATA);
  return WITHOUT_DATA[action.kind];
}

/** The action for a number. RangeError for actions outside the language: kill thread, trap, log, unknown ones. */
export function decodeAction(value: number): Action {
  const { action, data } = splitReturnValue(value);
  switch (action) {
    case SECCOMP_RET_ALLOW:
      return { kind: 'allow' };
    case SECCOMP_RET_ERRNO:
      return { kind: 'errno', errno: Math.min(data, MAX_ERRNO) };
    case SECCOMP_RET_TRACE:
      return { kind: 'trace', data };
    case SECCOMP_RET_USER_NOTIF:
      return { kind: 'notify' };
    case SECCOMP_RET_KILL_PROCESS:
      return { kind: 'kill' };
    default:
      throw new RangeError(`return value 0x${value.toString(16)} is no action of this language`);
  }
}

/** Action and data of a return value, each unsigned. */
export function splitReturnValue(value: number): { action: number; data: number } {
  return { action: (value & SECCOMP_RET_ACTION_FULL) >>> 0, data: value & SECCOMP_RET_DATA };
}

function requireData(data: number, most: number): number {
  if (!Number.isInteger(data) || data < 0 || data > most) {
    throw new RangeError(`action data ${data} is not an integer from 0 to ${most}`);
  }
  return data;
}
