/**
 * Pseudo-terminals that the sandbox made itself (pts(4)): whoever opens a master makes a new, private pair. The supervisor opens it
 * for the program, and keeps the place of its slave (O_PATH), by which the slave is known and opened from then on. That holds
 * neither side open. A number is used again once a pair is closed, and so is the inode's; a place that was kept stays what it was,
 * and says that it is gone.
 */
import { Errno } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  fstat,
} from '../../linux/files.ts';
import { TIOCGPTPEER } from '../../linux/ioctl.ts';
import { close, ioctlInteger, openText } from '../../linux/libc.ts';
import { fail, type Reply } from '../referral.ts';
import type { OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';
import { handed } from './handed.ts';

/** Device 5:2, /dev/ptmx and the like of each devpts (pts(4)). */
export const MASTER = 0x502n;

/** So many places are kept before any is looked at again; those of closed pairs are let go then. */
const FEW = 64;

interface Slave {
  /** O_PATH. */
  readonly place: number;
  readonly number: bigint;
}

export class PseudoTerminals {
  /** By file system and inode, of which only one can be open. */
  readonly #slaves = new Map<string, Slave>();
  #most = FEW;

  /**
   * Opens a master anew: a new pair.
   * @param object a master's file, which stays the caller's
   */
  make(object: OpenObject, request: OpenRequest): Reply {
    const master = openPlace(object.descriptor, request);
    if (master.kind !== 'descriptor') return master;
    const error = this.#keep(master.descriptor);
    if (error === 0) return master;
    close(master.descriptor);
    return fail(error);
  }

  /** The place of a slave that was made here and still is there; ours to keep. */
  find({ device, inode }: OpenObject): number | undefined {
    const slave = this.#slaves.get(keyOf(device, inode));
    return slave !== undefined && isThere(slave.place) ? slave.place : undefined;
  }

  /** The same by the number of its device. Another devpts may have another of that number: this is one of ours all the same. */
  findNumber(device: bigint): number | undefined {
    for (const { place, number } of this.#slaves.values())
      if (number === device && isThere(place)) return place;
    return undefined;
  }

  /** Lets go of all, when the sandbox has ended. */
  release(): void {
    for (const { place } of this.#slaves.values()) close(place);
    this.#slaves.clear();
  }

  #keep(master: number): number {
    if (this.#slaves.size >= this.#most) this.#letGo();
    const place = openOther(master, O_PATH);
    if (place < 0) return -place;
    const status = fstat(place);
    if (typeof status === 'number') {
      close(place);
      return -status;
    }
    const key = keyOf(status.device, status.inode);
    const old = this.#slaves.get(key);
    if (old !== undefined) close(old.place);
    this.#slaves.set(key, { place, number: status.rawDevice });
    return 0;
  }

  #letGo(): void {
    for (const [key, { place }] of this.#slaves) {
      if (isThere(place)) continue;
      close(place);
      this.#slaves.delete(key);
    }
    this.#most = Math.max(FEW, 2 * this.#slaves.size);
  }
}

/** Opens the slave of a master (ioctl_tty(2)). Returns a descriptor, or a negated error number. */
export function openOther(master: number, flags: number): number {
  return ioctlInteger(master, TIOCGPTPEER, flags | O_CLOEXEC);
}

/** Opens a side of a pseudo-terminal by its place. Neither side ever waits for the other. */
export function openPlace(place: number, request: OpenRequest): Reply {
  const flags = (request.flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY;
  const result = openText(AT_FDCWD, `/proc/self/fd/${place}`, flags, 0);
  return handed(result === -Errno.ENOENT ? -Errno.EIO : result, request.flags);
}

/** The name goes with the master. */
function isThere(place: number): boolean {
  const status = fstat(place);
  return typeof status !== 'number' && status.links > 0;
}

function keyOf(device: bigint, inode: bigint): string {
  return `${device}:${inode}`;
}
