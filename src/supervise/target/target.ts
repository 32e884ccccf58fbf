/**
 * What the supervisor reads of a target: its memory, its umask, its credentials, its descriptors.
 * Every reader copies; nothing is read twice. The caller asks `isCurrent` before it believes what was read.
 */
import { Errno } from '../../linux/errno.ts';
import { O_PATH, PATH_MAX, linkMode, openProcFile, readProcFile, readProcText } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { addressOf, close, processVmReadv } from '../../linux/libc.ts';

const PAGE = 4096;
const HALF = 2 ** 32;
/** Most strings end within so many bytes: more need not be copied at first. */
const SHORT = 256;
const OWNER_RIGHTS = 0o700;

/** Bytes of our own that the kernel writes to: the address is asked once. */
export interface Arena {
  readonly bytes: Buffer;
  readonly address: number;
}

/** Memory at a fixed place. Buffers of this size have their own allocation, which never moves. */
export function arena(size: number): Arena {
  const bytes = Buffer.from(new ArrayBuffer(Math.max(size, PAGE)));
  return { bytes, address: Number(addressOf(bytes)) };
}

/** Two struct iovec: ours and the target's. */
const vectors = arena(32);
const REMOTE = 16;
const vectorView = new DataView(vectors.bytes.buffer);

function setVector(offset: number, address: number, length: number): void {
  vectorView.setUint32(offset, address % HALF, true);
  vectorView.setUint32(offset + 4, Math.floor(address / HALF), true);
  vectorView.setUint32(offset + 8, length, true);
}

function readOnce(tid: number, address: number, into: Arena, offset: number, length: number): number {
  setVector(0, into.address + offset, length);
  setVector(REMOTE, address, length);
  const count = processVmReadv(tid, vectors.address, 1, vectors.address + REMOTE, 1, 0);
  return count === -Errno.EPERM ? readLooking(tid) : count;
}

/** For a thread of another user's. */
function readLooking(tid: number): number {
  return looking(() => processVmReadv(tid, vectors.address, 1, vectors.address + REMOTE, 1, 0));
}

/**
 * Copies exactly `length` bytes of a target's memory into an arena (process_vm_readv(2)).
 * Returns 0, or a negated error number: EFAULT where not all of it can be read, EPERM where we may not look.
 */
export function readMemory(tid: number, address: number, into: Arena, length: number, offset = 0): number {
  if (length === 0) return 0;
  if (address < 0) return -Errno.EFAULT;
  const count = readOnce(tid, address, into, offset, length);
  if (count < 0) return count;
  return count === length ? 0 : -Errno.EFAULT;
}

/**
 * Copies a string that ends in NUL, as the kernel's getname does: page by page, since the page behind may not exist.
 * Returns its length without the NUL, or a negated error number: EFAULT, or `tooLong` where there is no NUL within
 * `limit` bytes (NUL counted).
 */
export function readString(
  tid: number,
  address: number,
  into: Arena,
  limit: number,
  tooLong: number,
): number {
  if (address < 0) return -Errno.EFAULT;
  let length = 0;
  while (length < limit) {
    const toPageEnd = PAGE - ((address + length) % PAGE);
    const most = Math.min(toPageEnd, limit - length, length === 0 ? SHORT : PAGE);
    const count = readOnce(tid, address + length, into, length, most);
    if (count < 0) return count;
    if (count === 0) return -Errno.EFAULT;
    for (let end = length; end < length + count; end += 1) {
      if (into.bytes[end] === 0) return end;
    }
    length += count;
  }
  return -tooLong;
}

/** A path of the target: bytes, with the NUL behind them in the arena. */
export function readPath(tid: number, address: number, into: Arena): number {
  return readString(tid, address, into, PATH_MAX, Errno.ENAMETOOLONG);
}

/** What /proc/TID/status says of a thread. */
export interface TargetStatus {
  readonly tgid: number;
  readonly umask: number;
  /**
   * Real, effective, saved and file system ids, groups, capabilities and the number of filters, as text to be compared.
   * Who has installed a filter of its own may have restricted itself further: a sandbox inside the sandbox.
   */
  readonly credentials: string;
}

const STATUS_LINES = /^(?:Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapAmb|Seccomp_filters):.*$/gm;

const MOST_STATUS_FILES = 16;
/**
 * Status files held open. Each stays that of its thread: once that is gone, reading says ESRCH, whoever has the number by
 * then. What is read is the state of the moment (seq_file: a read from the beginning asks anew).
 */
const statusFiles = new Map<number, number>();

function readStatus(tid: number): string | number {
  const held = statusFiles.get(tid);
  if (held !== undefined) {
    const text = readProcFile(held);
    if (typeof text === 'string') return text;
    statusFiles.delete(tid);
    close(held);
  }
  const file = openProcFile(`/proc/${tid}/status`);
  if (file < 0) return file;
  for (const [oldest, descriptor] of statusFiles) {
    if (statusFiles.size < MOST_STATUS_FILES) break;
    statusFiles.delete(oldest);
    close(descriptor);
  }
  statusFiles.set(tid, file);
  return readProcFile(file);
}

/** Reads a thread's status, or returns a negated error number. */
export function targetStatus(tid: number | 'self'): TargetStatus | number {
  const text = tid === 'self' ? readProcText('/proc/self/status') : readStatus(tid);
  if (typeof text === 'number') return text;
  const tgid = /^Tgid:\t(\d+)$/m.exec(text)?.[1];
  const umask = /^Umask:\t([0-7]+)$/m.exec(text)?.[1];
  const credentials = text.match(STATUS_LINES)?.join('\n');
  if (tgid === undefined || umask === undefined || credentials === undefined) return -Errno.ESRCH;
  return { tgid: Number(tgid), umask: Number.parseInt(umask, 8), credentials };
}

/** The open flags of a target's descriptor (proc(5), fdinfo), or a negated error number: EBADF where it is not open. */
export function descriptorFlags(tid: number, descriptor: number): number {
  const text = readProcText(`/proc/${tid}/fdinfo/${descriptor}`);
  if (typeof text === 'number') return text === -Errno.ENOENT ? -Errno.EBADF : text;
  const flags = /^flags:\t([0-7]+)$/m.exec(text)?.[1];
  return flags === undefined ? -Errno.EBADF : Number.parseInt(flags, 8);
}

/** True where a descriptor names a place only and reads and writes nothing (O_PATH, open(2)). */
export function isPathOnly(flags: number): boolean {
  return (flags & O_PATH) !== 0;
}

/**
 * 0 where a target's descriptor is really open, or a negated error number: EBADF where it is not, or names a place only.
 * The mode of its link in /proc says for what it was opened (proc(5)); only one that is open for neither has to be asked.
 */
export function openError(tid: number, descriptor: number): number {
  const mode = looking(() => linkMode(`/proc/${tid}/fd/${descriptor}`));
  if (mode < 0) return mode === -Errno.ENOENT ? -Errno.EBADF : mode;
  if ((mode & OWNER_RIGHTS) !== 0) return 0;
  const flags = descriptorFlags(tid, descriptor);
  if (flags < 0) return flags;
  return isPathOnly(flags) ? -Errno.EBADF : 0;
}
