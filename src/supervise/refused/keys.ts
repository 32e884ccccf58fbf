/** Errors of calls on keys (keyctl(2), add_key(2), request_key(2)) that come before anything is done with a key. */
import { Errno } from '../../linux/errno.ts';
import { syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Referral } from '../referral.ts';
import { arena, readMemory, readString } from '../target/target.ts';
import { lookError } from './look-error.ts';

/** errno(3); Node has no name for it. */
const ENOKEY = 126;
const TYPE_SIZE = 32;
const DESCRIPTION_SIZE = 4096;
const LONGEST_PAYLOAD = 1024 * 1024 - 1;
const DOT = 0x2e;
const KEYCTL_GET_KEYRING_ID = 0;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_LINK = 8;
const KEYCTL_UNLINK = 9;
const KEYCTL_SEARCH = 10;
const KEYCTL_READ = 11;
const LAST_OPTION = 32;
/** Other options whose first argument is a key that must be there. */
const OF_A_KEY: ReadonlySet<number> = new Set([0, 2, 3, 4, 5, 6, 7, 15, 17, 21, 28, 30, 32]);
/** KEY_SPEC_THREAD_KEYRING to KEY_SPEC_USER_SESSION_KEYRING; what follows is of no use here. */
const LAST_SPECIAL = -5;

const text = arena(DESCRIPTION_SIZE);
const byte = arena(1);

export function addKeyError(referral: Referral): number | undefined {
  const size = referral.long(3);
  if (size > BigInt(LONGEST_PAYLOAD)) return Errno.EINVAL;
  return (
    typeError(referral, 0) ??
    (referral.pointer(1) === 0 ? undefined : textError(referral, 1)) ??
    payloadError(referral, 2, Number(size)) ??
    keyError(referral.int(4))
  );
}

export function requestKeyError(referral: Referral): number | undefined {
  const ring = referral.int(3);
  return (
    typeError(referral, 0) ??
    textError(referral, 1) ??
    (referral.pointer(2) === 0 ? undefined : textError(referral, 2)) ??
    (ring === 0 ? undefined : keyError(ring))
  );
}

export function controlKeyError(referral: Referral): number | undefined {
  const option = referral.int(0);
  if (option < KEYCTL_GET_KEYRING_ID || option > LAST_OPTION) return Errno.EOPNOTSUPP;
  const key = referral.int(1);
  switch (option) {
    case KEYCTL_JOIN_SESSION_KEYRING:
      return referral.pointer(1) === 0 ? undefined : textError(referral, 1);
    case KEYCTL_LINK:
    case KEYCTL_UNLINK:
      return keyError(referral.int(2)) ?? keyError(key);
    case KEYCTL_SEARCH:
      return typeError(referral, 2) ?? textError(referral, 3) ?? keyError(key);
    case KEYCTL_READ:
      return keyError(key) === undefined ? undefined : ENOKEY;
    default:
      return OF_A_KEY.has(option) ? keyError(key) : undefined;
  }
}

/** Names that begin with a dot are the kernel's (EPERM). */
function typeError(referral: Referral, index: number): number | undefined {
  const length = readString(referral.tid, referral.pointer(index), text, TYPE_SIZE, Errno.EINVAL);
  if (length === 0) return Errno.EINVAL;
  if (length < 0) return lookError(length);
  return text.bytes[0] === DOT ? Errno.EPERM : undefined;
}

function textError(referral: Referral, index: number): number | undefined {
  return lookError(readString(referral.tid, referral.pointer(index), text, DESCRIPTION_SIZE, Errno.EINVAL));
}

/** The first and the last byte: what lies between is read when it is wanted. */
function payloadError(referral: Referral, index: number, size: number): number | undefined {
  const address = referral.pointer(index);
  if (size === 0) return undefined;
  if (address < 0) return Errno.EFAULT;
  return (
    lookError(readMemory(referral.tid, address, byte, 1)) ??
    lookError(readMemory(referral.tid, address + size - 1, byte, 1))
  );
}

/** ENOKEY for a key that is not there, EINVAL for what is no number of one; the special ones mean one's own. */
function keyError(key: number): number | undefined {
  if (key < 0) return key >= LAST_SPECIAL ? undefined : Errno.EINVAL;
  const result = syscall(X86_64.keyctl, KEYCTL_GET_KEYRING_ID, key, 0, 0, 0, 0);
  return result === -ENOKEY || result === -Errno.EINVAL ? -result : undefined;
}
