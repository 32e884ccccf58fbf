/**
 * The quick way to `continue`: most changes are asked for by a plain path below an allowed directory that Landlock
 * backs. One openat2(2) finds out, from that directory held open: with RESOLVE_BENEATH and no links, what comes out (or the
 * name that is missing) can only lie below it. So the path need not be asked of the kernel (readlink of /proc/self/fd/N).
 *
 * This is sound because Landlock asks the same question again when the kernel goes on with the call: whatever changes
 * meanwhile, the worst is that a refusal has Landlock's error number. Everything else goes the slow way: a link on the way, a
 * mount, `..` that leads out, an allowed path that is a file, /proc and /sys.
 */
import type { PathSet } from '../../judge/path-set.ts';
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  openat2,
  terminated,
} from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { close, readlinkText, syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { arena, type Arena } from '../target/target.ts';

const SLASH = 0x2f;
/** Directories held open: programs work in a few at a time. */
const MOST_HELD = 8;
const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
const OPEN_HOW_SIZE = 24;

/** O_DIRECTORY: a file, once found, is an error (ENOTDIR), and there is nothing to close. */
const openHow = arena(2 * OPEN_HOW_SIZE);
openHow.bytes.writeUInt32LE(O_PATH | O_CLOEXEC | O_DIRECTORY, 0);
openHow.bytes.writeUInt32LE(BENEATH, 16);
openHow.bytes.writeUInt32LE(O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW, OPEN_HOW_SIZE);
openHow.bytes.writeUInt32LE(BENEATH, OPEN_HOW_SIZE + 16);

/** A directory of the target as the kernel names it, and behind it the relative path. */
const joined = arena(2 * PATH_MAX + 2);

interface Held {
  /** The path with a slash behind it. */
  readonly prefix: Buffer;
  readonly descriptor: number;
}

export class QuickWay {
  readonly #writable: PathSet;
  /** The one used last comes first. */
  #held: Held[] = [];
  #generation: number;

  constructor(writable: PathSet) {
    this.#writable = writable;
    this.#generation = writable.generation;
  }

  /**
   * True where a path surely lies below an allowed directory that Landlock backs. False says nothing.
   * @param directory the descriptor that a relative path starts from, or AT_FDCWD
   * @param path the path as the target gave it, with its NUL behind it
   * @param follow false: a symbolic link at the end counts as itself
   */
  isBelow(tid: number, directory: number, path: Arena, length: number, follow: boolean): boolean {
    if (length === 0) return false;
    if (path.bytes[0] === SLASH) return this.#isBelow(path, length, follow);
    if (directory !== AT_FDCWD && directory < 0) return false;
    const link = directory === AT_FDCWD ? `/proc/${tid}/cwd` : `/proc/${tid}/fd/${directory}`;
    const natural = readlinkText(link, joined.bytes, PATH_MAX);
    const start = natural === -Errno.EACCES ? linkLooking(link) : natural;
    if (start <= 0 || start >= PATH_MAX || joined.bytes[0] !== SLASH) return false;
    joined.bytes[start] = SLASH;
    path.bytes.copy(joined.bytes, start + 1, 0, length + 1);
    return this.#isBelow(joined, start + 1 + length, follow);
  }

  #isBelow(path: Arena, length: number, follow: boolean): boolean {
    const held = this.#heldFor(path.bytes, length);
    if (held === undefined) return false;
    const how = openHow.address + (follow ? 0 : OPEN_HOW_SIZE);
    const rest = path.address + held.prefix.length;
    const result = syscall(X86_64.openat2, held.descriptor, rest, how, OPEN_HOW_SIZE, 0, 0);
    if (result >= 0) close(result);
    // What is missing, or no directory, is so below the directory: no link was on the way there.
    return result >= 0 || result === -Errno.ENOTDIR || result === -Errno.ENOENT;
  }

  /** The directory that the path is below of, with at least one byte of a name behind it. */
  #heldFor(path: Buffer, length: number): Held | undefined {
    if (this.#generation !== this.#writable.generation) this.#letGo();
    for (let index = 0; index < this.#held.length; index += 1) {
      const held = this.#held[index];
      if (held === undefined || !startsWith(path, length, held.prefix)) continue;
      if (index > 0) {
        this.#held.splice(index, 1);
        this.#held.unshift(held);
      }
      return held;
    }
    return this.#hold(path, length);
  }

  /** Lets go of all, when the sandbox has ended. */
  release(): void {
    this.#letGo();
  }

  /** An allowed directory itself was removed or renamed. */
  #letGo(): void {
    for (const { descriptor } of this.#held) close(descriptor);
    this.#held = [];
    this.#generation = this.#writable.generation;
  }

  /** Only topmost directories are held: what lies above them no target can change. */
  #hold(path: Buffer, length: number): Held | undefined {
    const end = this.#writable.topmostDirectory(path.toString('latin1', 0, length));
    if (end === 0 || end + 1 >= length) return undefined;
    const prefix = Buffer.from(path.subarray(0, end + 1));
    const name = terminated(prefix.subarray(0, end));
    const descriptor = openat2(AT_FDCWD, name, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
    if (descriptor < 0) return undefined;
    const held = { prefix, descriptor };
    this.#held.unshift(held);
    const oldest = this.#held.length > MOST_HELD ? this.#held.pop() : undefined;
    if (oldest !== undefined) close(oldest.descriptor);
    return held;
  }
}

/** Of a thread of another user's. */
function linkLooking(link: string): number {
  return looking(() => readlinkText(link, joined.bytes, PATH_MAX));
}

function startsWith(path: Buffer, length: number, prefix: Buffer): boolean {
  if (length <= prefix.length) return false;
  // From the end: paths of one tree differ there first.
  for (let index = prefix.length - 1; index >= 0; index -= 1) {
    if (path[index] !== prefix[index]) return false;
  }
  return true;
}
