/**
 * Who a service serves: clients (launch/client.ts) of its own user that are confined by nothing that it is not confined by itself.
 * Somebody in a sandbox, ours or another's, would have done for it what it may not do. Nor does a supervisor connect for it, who
 * is confined by nothing (connect(2) is performed): a supervisor is no client.
 */
import { statSync } from 'node:fs';
import { Errno } from '../linux/errno.ts';
import { openProcFile, readProcText } from '../linux/files.ts';
import { looking } from '../linux/impersonation.ts';
import { close, pread, readlinkText } from '../linux/libc.ts';
import { hasEnded } from '../linux/spawn.ts';
import { peerPidfd, peerProcess } from '../linux/sockets.ts';
import { IMAGE_HEAD_SIZE, isRegionImage } from '../launch/image.ts';

/** A process that may be served. */
export interface Peer {
  readonly pid: number;
  /** The caller's to close. */
  readonly pidDescriptor: number;
  /** Its permitted capabilities (capabilities(7)). */
  readonly capabilities: bigint;
}

/** Users, groups, and what confines a process: the same for all that are served. */
const SAME_LINES = /^(?:Uid|Gid|Groups|NoNewPrivs|Seccomp_filters):.*$/gm;
const PERMITTED = /^CapPrm:\t([0-9a-f]+)$/m;
/** Other ones have other names for what is there, or other rights to it (namespaces(7)). */
const NAMESPACES = ['mnt', 'pid', 'user', 'net', 'ipc'];
const TOO_OLD = 'this kernel does not tell for sure who connects (SO_PEERPIDFD, Linux 6.5)';

const link = Buffer.alloc(64);

export class Peers {
  readonly #own: string;

  /** Notes what this process is. To be made before it serves anybody; a change of its own would make all others strangers. */
  constructor() {
    const own = facts('self');
    if (own === undefined) throw new Error('/proc/self cannot be read');
    this.#own = own.text;
  }

  /** Who has connected, or why they are not served. */
  check(socket: number): Peer | string {
    const pidDescriptor = peerPidfd(socket);
    if (pidDescriptor === -Errno.ENOPROTOOPT) return TOO_OLD;
    if (pidDescriptor < 0) return 'they have ended';
    const result = this.#check(socket);
    // Asked behind the look at the files of that number: as long as it is theirs they were theirs.
    if (typeof result === 'string' || hasEnded(pidDescriptor)) {
      close(pidDescriptor);
      return typeof result === 'string' ? result : 'they have ended';
    }
    return { ...result, pidDescriptor };
  }

  #check(socket: number): Omit<Peer, 'pidDescriptor'> | string {
    const peer = peerProcess(socket);
    if (typeof peer === 'number' || peer.pid <= 0) return 'their process has no number here';
    if (peer.uid !== process.geteuid?.()) return 'they are another user';
    if (!isClient(peer.pid)) return 'they are no client';
    const found = facts(peer.pid);
    if (found === undefined) return 'they have ended';
    if (found.text !== this.#own) return 'they are confined, or elsewhere';
    return { pid: peer.pid, capabilities: found.permitted };
  }
}

/** By its executable (proc(5)): a client runs no other code before it is served. */
function isClient(pid: number): boolean {
  const file = openProcFile(`/proc/${pid}/exe`);
  if (file < 0) return false;
  const head = Buffer.alloc(IMAGE_HEAD_SIZE);
  const size = pread(file, head, head.length, 0);
  close(file);
  return size === head.length && isRegionImage(head);
}

function facts(pid: number | 'self'): { readonly text: string; readonly permitted: bigint } | undefined {
  const status = readProcText(`/proc/${pid}/status`);
  const permitted = typeof status === 'number' ? undefined : PERMITTED.exec(status)?.[1];
  if (typeof status === 'number' || permitted === undefined) return undefined;
  const places = looking(() => placesOf(pid));
  if (typeof places === 'number') return undefined;
  return {
    text: [...(status.match(SAME_LINES) ?? []), ...places].join('\n'),
    permitted: BigInt(`0x${permitted}`),
  };
}

/** What tells the namespaces and the root of one from those of another, or a negated error number. */
function placesOf(pid: number | 'self'): string[] | number {
  const names: string[] = [];
  for (const name of NAMESPACES) {
    const length = readlinkText(`/proc/${pid}/ns/${name}`, link, link.length);
    if (length < 0) return length;
    names.push(link.toString('latin1', 0, length));
  }
  const root = rootOf(pid);
  return root === undefined ? -Errno.EACCES : [...names, root];
}

/** chroot(2) gives names other meanings too. */
function rootOf(pid: number | 'self'): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/root`, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
