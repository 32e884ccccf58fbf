/** Starts an image: from memory, or from a temporary file where the system executes nothing from memory. */
import { rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Errno } from '../linux/errno.ts';
import { close, fcntl, memfdCreate, write } from '../linux/libc.ts';
import { posixSpawn } from '../linux/spawn.ts';
import { LaunchError } from './launch-error.ts';

export interface StartOptions {
  /** Target descriptor → source descriptor, each source above every target. */
  readonly descriptors: ReadonlyMap<number, number>;
  readonly defaultSignals: Iterable<number>;
  /** The kinds of file to try, in order. */
  readonly from: readonly ('memory' | 'file')[];
}

/** The lowest descriptor that no image is started with. */
export const FIRST_FREE_DESCRIPTOR = 6;

const F_DUPFD_CLOEXEC = 1030;
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;

/** What the image's process is called; the watchdog stays so when the launcher has become the command. */
const NAME = 'secfilt-watch';

/** Starts the image with the environment of this process. Returns the process number; throws a LaunchError. */
export function startImage(image: Buffer, options: StartOptions): number {
  let failure = new LaunchError('posix_spawn', Errno.ENOEXEC);
  for (const from of options.from) {
    const started = from === 'memory' ? startFromMemory(image, options) : startFromFile(image, options);
    if (typeof started === 'number') return started;
    if (!isRefusal(started.errno)) throw started;
    failure = started;
  }
  throw failure;
}

/** A copy of a descriptor (close-on-exec) that no file action overwrites; a negated error number when it is not open. */
export function duplicateHigh(descriptor: number): number {
  return fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR);
}

/** The kernel's or a security module's word that this file is not executed, or is not to be had; another one may be. */
function isRefusal(errno: number): boolean {
  const refusals: readonly number[] = [
    Errno.EACCES,
    Errno.EPERM,
    Errno.ENOENT, // no /proc
    Errno.ENOSYS, // no memfd_create
    Errno.EROFS,
    Errno.ENOTDIR,
    Errno.ENOSPC,
  ];
  return refusals.includes(errno);
}

function start(path: string, options: StartOptions): number | LaunchError {
  const { descriptors, defaultSignals } = options;
  const pid = posixSpawn({ path, argv: [NAME], descriptors, defaultSignals });
  return pid < 0 ? new LaunchError('posix_spawn', -pid) : pid;
}

function startFromMemory(image: Buffer, options: StartOptions): number | LaunchError {
  let created = memfdCreate('secfilt', MFD_CLOEXEC | MFD_EXEC);
  if (created === -Errno.EINVAL) created = memfdCreate('secfilt', MFD_CLOEXEC); // Linux before 6.3
  if (created < 0) return new LaunchError('memfd_create', -created);
  const high = duplicateHigh(created);
  close(created);
  if (high < 0) return new LaunchError('fcntl F_DUPFD', -high);
  try {
    const errno = writeAll(high, image);
    if (errno !== 0) return new LaunchError('write', errno);
    return start(`/proc/self/fd/${high}`, options);
  } finally {
    close(high);
  }
}

/** 0, or the error number: of a write that a limit has cut short the next one says why. */
function writeAll(descriptor: number, bytes: Buffer): number {
  for (let rest = bytes; rest.length > 0;) {
    const written = write(descriptor, rest, rest.length);
    if (written <= 0) return written === 0 ? Errno.ENOSPC : -written;
    rest = rest.subarray(written);
  }
  return 0;
}

function startFromFile(image: Buffer, options: StartOptions): number | LaunchError {
  let failure = new LaunchError('temporary file', Errno.ENOENT);
  const { tmpdir } = process.getBuiltinModule('node:os');
  for (const folder of [process.env['XDG_RUNTIME_DIR'], tmpdir(), '/var/tmp', '/dev/shm']) {
    if (folder === undefined || !isAbsolute(folder)) continue;
    const started = startFromFolder(folder, image, options);
    if (typeof started === 'number') return started;
    if (!isRefusal(started.errno)) return started;
    failure = started;
  }
  return failure;
}

/** The file has a name for the time of the start only: without /proc execve(2) reaches no file that has none. */
function startFromFolder(folder: string, image: Buffer, options: StartOptions): number | LaunchError {
  // Loaded here: it would make every start a fifth longer.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const path = join(folder, `secfilt-${randomBytes(12).toString('hex')}`);
  try {
    writeFileSync(path, image, { mode: 0o700, flag: 'wx' });
    return start(path, options);
  } catch (error) {
    if (!(error instanceof Error && 'errno' in error && typeof error.errno === 'number')) throw error;
    return new LaunchError(`temporary file in ${folder}`, -error.errno);
  } finally {
    rmSync(path, { force: true });
  }
}
