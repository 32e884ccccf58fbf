/** Changes of a file's metadata as owned values: read from the target once, performed on an O_PATH descriptor. */
import { Errno } from '../../linux/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, S_ISUID, S_ISGID } from '../../linux/files.ts';
import {
  chmodText,
  fchownat,
  removexattrText,
  setxattrText,
  syscallMemory23,
  syscallMemory2,
  utimensat,
} from '../../linux/libc.ts';
import type { Referral } from '../referral.ts';
import { arena, readMemory, readString } from '../target/target.ts';

export interface Change {
  /** Sets times to the present. */
  readonly now?: boolean;
  /** The error that its values are, once the object is found. */
  readonly invalid?: number;
  /** Does it to an open object (O_PATH will do). 0, or a negated error number. */
  readonly perform: (descriptor: number) => number;
  /** It makes a program run with its owner's or group's rights (inode(7), S_ISUID, S_ISGID). */
  readonly elevates?: boolean;
}

const SYS_FCHMODAT2 = 452;
const SYS_FILE_SETATTR = 469;
const EMPTY_PATH = new Uint8Array(1);

function throughProc(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

export function modeChange(mode: number): Change {
  return {
    elevates: (mode & (S_ISUID | S_ISGID)) !== 0,
    perform: (descriptor) => {
      const result = syscallMemory2(SYS_FCHMODAT2, descriptor, EMPTY_PATH, mode, AT_EMPTY_PATH, 0);
      return result === -Errno.ENOSYS ? chmodText(throughProc(descriptor), mode) : result;
    },
  };
}

export function ownerChange(user: number, group: number): Change {
  return { perform: (descriptor) => fchownat(descriptor, EMPTY_PATH, user, group, AT_EMPTY_PATH) };
}

const times = arena(4096);
const UTIME_NOW = 0x3fff_ffffn;
const UTIME_OMIT = 0x3fff_fffen;

/** Both times left as they are: the kernel does not even look at the path (utimensat(2)). */
export const NO_CHANGE: Change = { perform: () => 0 };

/** struct timespec[2], or NULL for the present. */
export function readTimes(referral: Referral, index: number): Change | number {
  const address = referral.pointer(index);
  if (address === 0) return timesChange(undefined);
  const result = readMemory(referral.tid, address, times, 32);
  if (result < 0) return -result;
  const specs = Buffer.from(times.bytes.subarray(0, 32));
  const nanoseconds = [specs.readBigInt64LE(8), specs.readBigInt64LE(24)];
  if (nanoseconds.every((each) => each === UTIME_OMIT)) return NO_CHANGE;
  const areValid = nanoseconds.every(
    (each) => each === UTIME_NOW || each === UTIME_OMIT || (each >= 0n && each < 1_000_000_000n),
  );
  return areValid ? timesChange(specs) : { perform: () => -Errno.EINVAL, invalid: Errno.EINVAL };
}

/** struct timeval[2]: microseconds. */
export function readTimevals(referral: Referral, index: number): Change | number {
  const address = referral.pointer(index);
  if (address === 0) return timesChange(undefined);
  const result = readMemory(referral.tid, address, times, 32);
  if (result < 0) return -result;
  const specs = Buffer.from(times.bytes.subarray(0, 32));
  for (const offset of [8, 24]) {
    const microseconds = specs.readBigInt64LE(offset);
    if (microseconds < 0n || microseconds >= 1_000_000n) return Errno.EINVAL;
    specs.writeBigInt64LE(microseconds * 1000n, offset);
  }
  return timesChange(specs);
}

/** struct utimbuf: seconds. */
export function readUtimbuf(referral: Referral, index: number): Change | number {
  const address = referral.pointer(index);
  if (address === 0) return timesChange(undefined);
  const result = readMemory(referral.tid, address, times, 16);
  if (result < 0) return -result;
  const specs = Buffer.alloc(32);
  times.bytes.copy(specs, 0, 0, 8);
  times.bytes.copy(specs, 16, 8, 16);
  return timesChange(specs);
}

function timesChange(specs: Buffer | undefined): Change {
  const now =
    specs === undefined || (specs.readBigInt64LE(8) === UTIME_NOW && specs.readBigInt64LE(24) === UTIME_NOW);
  return { now, perform: (descriptor) => utimensat(descriptor, EMPTY_PATH, specs ?? null, AT_EMPTY_PATH) };
}

const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65536;
const name = arena(4096);
const value = arena(XATTR_SIZE_MAX);

function readName(referral: Referral, index: number): Buffer | number {
  const length = readString(referral.tid, referral.pointer(index), name, XATTR_NAME_MAX + 1, Errno.ERANGE);
  if (length < 0) return -length;
  if (length === 0) return Errno.ERANGE;
  return Buffer.from(name.bytes.subarray(0, length + 1));
}

/** path, name, value, size, flags: setxattr(2). */
export function readAttribute(referral: Referral): Change | number {
  const flags = referral.int(4);
  if ((flags & ~3) !== 0) return Errno.EINVAL;
  return attributeChange(referral, readName(referral, 1), referral.pointer(2), referral.long(3), flags);
}

/** struct xattr_args of setxattrat(2): value 64 bits, size 32, flags 32. */
export function readAttributeArguments(referral: Referral): Change | number {
  const size = referral.long(5);
  if (size < 16n) return Errno.EINVAL;
  if (size > 4096n) return Errno.E2BIG;
  const length = Number(size);
  const result = readMemory(referral.tid, referral.pointer(4), times, length);
  if (result < 0) return -result;
  if (times.bytes.subarray(16, length).some((byte) => byte !== 0)) return Errno.E2BIG;
  const address = times.bytes.readBigUInt64LE(0);
  const flags = times.bytes.readUInt32LE(12);
  if ((flags & ~3) !== 0) return Errno.EINVAL;
  const bytes = BigInt(times.bytes.readUInt32LE(8));
  return attributeChange(
    referral,
    readName(referral, 3),
    address > 2n ** 52n ? -1 : Number(address),
    bytes,
    flags,
  );
}

function attributeChange(
  referral: Referral,
  attribute: Buffer | number,
  address: number,
  size: bigint,
  flags: number,
): Change | number {
  if (typeof attribute === 'number') return attribute;
  if (size > BigInt(XATTR_SIZE_MAX)) return Errno.E2BIG;
  const length = Number(size);
  const result = readMemory(referral.tid, address, value, length);
  if (result < 0) return -result;
  const bytes = Buffer.from(value.bytes.subarray(0, length));
  return {
    perform: (descriptor) => setxattrText(throughProc(descriptor), attribute, bytes, length, flags),
  };
}

export function readAttributeName(referral: Referral, index: number): Change | number {
  const attribute = readName(referral, index);
  if (typeof attribute === 'number') return attribute;
  return { perform: (descriptor) => removexattrText(throughProc(descriptor), attribute) };
}

/** struct file_attr of file_setattr(2), as long as the caller says. */
export function readFileAttributes(referral: Referral): Change | number {
  const size = referral.long(3);
  if (size < 24n) return Errno.EINVAL;
  if (size > 4096n) return Errno.E2BIG;
  const length = Number(size);
  const result = readMemory(referral.tid, referral.pointer(2), times, length);
  if (result < 0) return -result;
  const bytes = Buffer.from(times.bytes.subarray(0, length));
  return {
    // The call takes no O_PATH descriptor by itself, as it has one opened for writing in mind.
    perform: (descriptor) => {
      const path = Buffer.from(`${throughProc(descriptor)}\0`);
      return syscallMemory23(SYS_FILE_SETATTR, AT_FDCWD, path, bytes, length, 0);
    },
  };
}
