/**
 * The Unix sockets that processes of the sandbox have bound: whom others in it may connect to.
 *
 * A socket in the file system is known by its inode, whatever names it gets or loses. The inode is kept open, so that
 * its number cannot come to mean another file. An abstract socket is known by the socket itself: a name that has been
 * given up may be taken by anybody.
 */
import { readFileSync } from 'node:fs';
import { fstat } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { SOCK_DGRAM } from '../../linux/sockets.ts';

/** Each inode costs a descriptor. Beyond this the oldest are forgotten, which refuses connects and allows none. */
const MOST_INODES = 1024;
const MOST_NAMES = 4096;
/** __SO_ACCEPTCON, as the table shows it. */
const LISTENING = '00010000';

export class BoundSockets {
  readonly #inodes = new Map<string, number>();
  readonly #names = new Map<string, bigint>();
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
   */
  addName(type: number, name: Uint8Array, socket: number): void {
    const status = fstat(socket);
    if (typeof status === 'number') return;
    const key = nameKey(type, name);
    this.#names.delete(key);
    this.#names.set(key, status.inode);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MOST_NAMES) break;
      this.#names.delete(oldest);
    }
  }

  /** True while the socket that was bound to this name in the sandbox is there: nobody else can have the name then. */
  hasName(type: number, name: Uint8Array): boolean {
    const key = nameKey(type, name);
    const inode = this.#names.get(key);
    if (inode === undefined) return false;
    if (isAlive(inode)) return true;
    this.#names.delete(key);
    return false;
  }
}

function inodeKey(descriptor: number): string | undefined {
  const status = fstat(descriptor);
  return typeof status === 'number' ? undefined : `${status.device} ${status.inode}`;
}

function nameKey(type: number, name: Uint8Array): string {
  return `${type} ${Buffer.from(name).toString('latin1')}`;
}

/** Whether a Unix socket of this number exists. The numbers are given anew after 2^32. */
function isAlive(inode: bigint): boolean {
  return new RegExp(String.raw`^(?:\S+ +){6}${inode}(?: |$)`, 'm').test(unixSockets());
}

/** Whether any socket of this type, of the sandbox or not, could be reached by an abstract name. */
export function isNameTaken(type: number, name: Uint8Array): boolean {
  const shown = ` @${Buffer.from(name).toString('latin1').replaceAll('\0', '@')}\n`;
  const kind = type.toString(16).toUpperCase().padStart(4, '0');
  const table = unixSockets();
  for (let at = table.indexOf(shown); at >= 0; at = table.indexOf(shown, at + 1)) {
    const line = table.slice(table.lastIndexOf('\n', at) + 1, at);
    const [, , , flags, itsKind] = line.split(/ +/);
    // Connections that were accepted have the name too.
    if (itsKind === kind && (type === SOCK_DGRAM || flags === LISTENING)) return true;
  }
  return false;
}

/** The table of all Unix sockets (proc(5), /proc/net/unix); empty where it cannot be read. */
function unixSockets(): string {
  try {
    return readFileSync('/proc/net/unix', 'latin1');
  } catch {
    return '';
  }
}
