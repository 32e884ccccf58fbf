/**
 * The UDP sockets that got their port inside, by cookie (socket(7), SO_COOKIE), which no other socket ever has. Remembered is where one is
 * to be found, not the socket itself: that stays its owners' to close.
 */
import { fstat } from '../../linux/files.ts';
import { looking } from '../../linux/impersonation.ts';
import { readlinkText } from '../../linux/libc.ts';
import { socketCookie } from '../../linux/sockets.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import type { Members } from '../target/members.ts';
import { openNumbers } from '../target/open-numbers.ts';
import { closeLingering } from '../watch.ts';

/** The oldest are forgotten, which refuses datagrams and allows none. */
const MOST_SOCKETS = 16_384;
/** At most so many descriptors are looked through: programs may have a million, and all others would wait meanwhile. */
const MOST_DESCRIPTORS = 4096;

/** Where a process had a socket when it got its name or port. */
export interface Owner {
  readonly tid: number;
  readonly descriptor: number;
}

interface Known {
  /** As the links in /proc/PID/fd have it. */
  readonly inode: bigint;
  owner: Owner;
}

export class DatagramSockets {
  readonly #known = new Map<bigint, Known>();

  /** After a socket has got its port. */
  note(descriptor: number, owner: Owner): void {
    const [status, cookie] = [fstat(descriptor), socketCookie(descriptor)];
    if (typeof status === 'number' || typeof cookie === 'number') return;
    this.#known.delete(cookie);
    this.#known.set(cookie, { inode: status.inode, owner });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_SOCKETS) break;
      this.#known.delete(oldest);
    }
  }

  has(cookie: bigint): boolean {
    return this.#known.has(cookie);
  }

  /** Our own descriptor of a socket that somebody inside has open; -1 where nobody is found who has. */
  hold(cookie: bigint, members: Members): number {
    const known = this.#known.get(cookie);
    if (known === undefined) return -1;
    const { tid, descriptor } = known.owner;
    const copy = copyOf(tid, descriptor, cookie);
    return copy < 0 ? search(cookie, known, members) : copy;
  }
}

/** The cookie tells whether it is the socket, whoever has the thread's number by now. */
function copyOf(tid: number, descriptor: number, cookie: bigint): number {
  const copy = copyDescriptor(tid, descriptor);
  if (copy < 0 || socketCookie(copy) === cookie) return Math.max(copy, -1);
  closeLingering(copy);
  return -1;
}

/** It may have been handed on, as a server does that goes on in a child. */
function search(cookie: bigint, known: Known, members: Members): number {
  const link = Buffer.from(`socket:[${known.inode}]`);
  const found = Buffer.alloc(link.length + 1);
  let left = MOST_DESCRIPTORS;
  for (const { pid } of members.list().members) {
    for (const number of openNumbers(pid)) {
      if (left === 0) return -1;
      left -= 1;
      const length = looking(() => readlinkText(`/proc/${pid}/fd/${number}`, found, found.length));
      if (length !== link.length || !found.subarray(0, length).equals(link)) continue;
      const copy = copyOf(pid, number, cookie);
      if (copy < 0) continue;
      known.owner = { tid: pid, descriptor: number };
      return copy;
    }
  }
  return -1;
}
