/**
 * What only statx(2) tells: when files were made, and in which mount they lie; and the clock that the kernel takes such times
 * from (clock_gettime(2)).
 */
import { Errno } from './errno.ts';
import { AT_EMPTY_PATH, S_IFMT } from './files.ts';
import { addressOf, syscall, syscallMemory2 } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const STATX_BTIME = 0x800;
const CLOCK_REALTIME_COARSE = 5;
const STATX_MNT_ID = 0x1000;
const STATX_TYPE = 0x1;
const STATX_MNT_ID_UNIQUE = 0x4000;
/** A slow file system is not asked for anything. */
const AT_STATX_DONT_SYNC = 0x4000;
const MASK_OFFSET = 0;
const MODE_OFFSET = 28;
const BTIME_OFFSET = 80;
const MNT_ID_OFFSET = 144;

const result = Buffer.from(new ArrayBuffer(256));
const resultAddress = Number(addressOf(result));
const emptyPath = Buffer.from(new ArrayBuffer(8));
const emptyPathAddress = Number(addressOf(emptyPath));

/** When an open file (O_PATH will do) was made, in milliseconds since the epoch; undefined where nobody knows. */
export function birthTime(descriptor: number): number | undefined {
  const failed = syscall(
    X86_64.statx,
    descriptor,
    emptyPathAddress,
    AT_EMPTY_PATH,
    STATX_BTIME,
    resultAddress,
    0,
  );
  if (failed < 0 || (result.readUInt32LE(MASK_OFFSET) & STATX_BTIME) === 0) return undefined;
  return Number(result.readBigInt64LE(BTIME_OFFSET)) * 1000 + result.readUInt32LE(BTIME_OFFSET + 8) / 1e6;
}

/** The mount that an open file (O_PATH will do) lies in, as /proc/PID/mountinfo numbers it; undefined where nobody tells. */
export function mountId(descriptor: number): number | undefined {
  const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  const failed = syscall(X86_64.statx, descriptor, emptyPathAddress, flags, STATX_MNT_ID, resultAddress, 0);
  if (failed < 0 || (result.readUInt32LE(MASK_OFFSET) & STATX_MNT_ID) === 0) return undefined;
  return Number(result.readBigUInt64LE(MNT_ID_OFFSET));
}

/** What an open file is, and the mount it lies in, by a number that no other mount ever gets. */
export interface FileInMount {
  /** S_IFREG and the like. */
  readonly type: number;
  /** Undefined where the kernel gives no such numbers (before Linux 6.8). */
  readonly mount: number | undefined;
}

/** The same of an open file (O_PATH will do), or a negated error number. */
export function fileInMount(descriptor: number): FileInMount | number {
  const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  const mask = STATX_TYPE | STATX_MNT_ID_UNIQUE;
  const failed = syscall(X86_64.statx, descriptor, emptyPathAddress, flags, mask, resultAddress, 0);
  if (failed < 0) return failed;
  const told = result.readUInt32LE(MASK_OFFSET);
  if ((told & STATX_TYPE) === 0) return -Errno.EINVAL;
  return {
    type: result.readUInt16LE(MODE_OFFSET) & S_IFMT,
    mount:
      (told & STATX_MNT_ID_UNIQUE) === 0
        ? undefined
        : result.readUInt32LE(MNT_ID_OFFSET) + result.readUInt32LE(MNT_ID_OFFSET + 4) * 2 ** 32,
  };
}

/** The time that a file made now would bear: that of the last tick, not the clock on the wall. Unit as above; NaN: unknown. */
export function fileClock(): number {
  const failed = syscallMemory2(X86_64.clock_gettime, CLOCK_REALTIME_COARSE, result, 0, 0, 0);
  if (failed < 0) return Number.NaN;
  return Number(result.readBigInt64LE(0)) * 1000 + Number(result.readBigInt64LE(8)) / 1e6;
}
