/**
 * The Unix sockets that processes of the sandbox have bound: whom others in it may connect to.
 *
 * A socket in the file system is known by its inode, whatever names it gets or loses. The inode is kept open, so that
 * its number cannot come to mean another file. An abstract socket is known by the socket itself: a name that has been
 * given up may be taken by anybody.
 */
import { fstat } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { socketCookie } from '../../linux/sockets.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import type { Members } from '../target/members.ts';
import { targetStatus } from '../target/target.ts';
import { closeLingering } from '../watch.ts';
import { socketLife } from '../../linux/unix-diag.ts';
import { Associations } from './associations.ts';
import { DatagramSockets, type Owner } from './datagram-sockets.ts';

/** Each inode costs a descriptor. Beyond this the oldest are forgotten, which refuses connects and allows none. */
const MOST_INODES = 1024;
const MOST_NAMES = 4096;
const MOST_INTERNET = 65_536;

/** One socket, whatever sockets come after it. */
interface Socket {
  readonly inode: bigint;
  readonly cookie: bigint;
}

interface Named extends Socket {
  readonly owner: Owner | undefined;
}

export class BoundSockets {
  readonly datagrams = new DatagramSockets();
  readonly associations = new Associations();
  readonly #inodes = new Map<string, number>();
  readonly #names = new Map<string, Named>();
  /** Cookies of TCP sockets, which no other socket ever gets. */
  readonly #internet = new Set<bigint>();
  #sweepAt = 64;

  /** Remembers the inode of an O_PATH descriptor, which is taken over. */
  addInode(descriptor: number): void {
    const key = inodeKey(descriptor);
    if (key === undefined || this.#inodes.has(key)) {
      close(descriptor);
      return;
    }
    this.#inodes.set(key, descriptor);
    if (this.#inodes.size >= this.#sweepAt) this.#sweep();
  }

  /** True where an open file is a socket that was bound in the sandbox. */
  hasInode(descriptor: number): boolean {
    if (this.#inodes.size === 0) return false;
    const key = inodeKey(descriptor);
    return key !== undefined && this.#inodes.has(key);
  }

  /** Forgets all, when the sandbox has ended. */
  release(): void {
    for (const descriptor of this.#inodes.values()) close(descriptor);
    this.#inodes.clear();
    this.#names.clear();
    this.associations.release();
  }

  /** Forgets what has no name left: nobody can connect to it. */
  #sweep(): void {
    for (const [key, descriptor] of this.#inodes) {
      const status = fstat(descriptor);
      if (typeof status !== 'number' && status.links > 0) continue;
      this.#inodes.delete(key);
      close(descriptor);
    }
    for (const [key, descriptor] of this.#inodes) {
      if (this.#inodes.size <= MOST_INODES) break;
      this.#inodes.delete(key);
      close(descriptor);
    }
    this.#sweepAt = Math.max(64, Math.min(2 * this.#inodes.size, MOST_INODES + 64));
  }

  /**
   * Remembers which socket has an abstract name.
   * @param type of the socket: names of streams and datagrams are apart
   * @param socket any descriptor of it
   * @param owner who has bound it, if it is known
   */
  addName(type: number, name: Uint8Array, socket: number, owner?: Owner): void {
    const status = fstat(socket);
    const cookie = socketCookie(socket);
    if (typeof status === 'number' || typeof cookie === 'number') return;
    const key = nameKey(type, name);
    this.#names.delete(key);
    this.#names.set(key, { inode: status.inode, cookie, owner });
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MOST_NAMES) break;
      this.#names.delete(oldest);
    }
  }

  /** Remembers a TCP socket that was bound to an address, by its cookie. */
  addInternet(cookie: bigint): void {
    this.#internet.add(cookie);
    for (const oldest of this.#internet) {
      if (this.#internet.size <= MOST_INTERNET) break;
      this.#internet.delete(oldest);
    }
  }

  hasInternet(cookie: bigint): boolean {
    return this.#internet.has(cookie);
  }

  /**
   * True while the socket that was bound to this name in the sandbox is there: nobody else can have the name then. False
   * where the kernel does not tell (unix-diag.ts).
   */
  hasName(type: number, name: Uint8Array): boolean {
    const key = nameKey(type, name);
    const socket = this.#names.get(key);
    if (socket === undefined) return false;
    const life = socketLife(socket.inode, socket.cookie);
    if (life === 'gone') this.#names.delete(key);
    return life === 'alive';
  }

  /**
   * Our own descriptor of the socket that has a name, which has it as long as that is open; -1 where whoever bound it has it
   * no longer at the same number.
   */
  holdName(type: number, name: Uint8Array, members: Members): number {
    const socket = this.#names.get(nameKey(type, name));
    if (socket?.owner === undefined) return -1;
    const { tid, descriptor } = socket.owner;
    const status = targetStatus(tid);
    if (typeof status === 'number' || !members.has(status.tgid)) return -1;
    const copy = copyDescriptor(tid, descriptor);
    if (copy < 0 || socketCookie(copy) === socket.cookie) return Math.max(copy, -1);
    closeLingering(copy);
    return -1;
  }
}

function inodeKey(descriptor: number): string | undefined {
  const status = fstat(descriptor);
  return typeof status === 'number' ? undefined : `${status.device} ${status.inode}`;
}

function nameKey(type: number, name: Uint8Array): string {
  return `${type} ${Buffer.from(name).toString('latin1')}`;
}
