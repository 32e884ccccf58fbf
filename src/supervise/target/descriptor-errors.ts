/** What a call on a descriptor fails with for what the descriptor is, whatever it asks for (ioctl(2), socket(7)). */
import { Errno } from '../../linux/errno.ts';
import {
  fileSystemType,
  fstat,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../linux/files.ts';
import { ALLOCATIONS, TERMINAL_FAMILY, TERMINAL_INJECTION, VFS_COMMANDS } from '../../linux/ioctl.ts';
import { close } from '../../linux/libc.ts';
import { openTargetDescriptor } from './start.ts';
import { openError } from './target.ts';

/** Major numbers of /dev/null and kin, and of pseudo-terminals (Documentation/admin-guide/devices.txt). */
const MEMORY_DEVICES = 1;
const FIRST_PSEUDO_TERMINALS = 136;
const LAST_PSEUDO_TERMINALS = 143;

/** Of the commands that are refused; the kernel may have got others since (ioctl_tty(2)). */
const OF_PSEUDO_TERMINALS: readonly number[] = [
  TERMINAL_INJECTION.TIOCSTI,
  TERMINAL_INJECTION.TIOCCONS,
  TERMINAL_INJECTION.TIOCSETD,
];

const PIDFS = 0x5049_4446;
const NSFS = 0x6e73_6673;
const ANON_INODES = 0x0904_1934;

/**
 * File systems of which it is known which commands they have beside those of all (statfs(2)): none, or, of ext4, these: the low 16
 * bits, which are the family and the number (fs/ext4/ioctl.c).
 */
const COMMANDS_OF = new Map<number, ReadonlySet<number>>([
  [0x0102_1994, new Set()] /* tmpfs */,
  [0x8584_58f6, new Set()] /* ramfs */,
  [0x794c_7630, new Set()] /* overlayfs */,
  [0x9fa0, new Set()] /* proc */,
  [0x6265_6572, new Set()] /* sysfs */,
  [
    0xef53,
    new Set([
      ...[4, 7, 8, 9, 12, ...range(15, 27), ...range(40, 46), 133, 134, 135].map((number) => 0x6600 | number),
      ...[121, 125].map((number) => 0x5800 | number),
    ]),
  ],
]);

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** EBADF for a descriptor that is not open, ENOTSOCK for one that is no socket. */
export function socketError(tid: number, descriptor: number): number | undefined {
  const bad = openError(tid, descriptor);
  if (bad < 0) return -bad;
  const mode = look(tid, descriptor)?.mode;
  return mode === undefined || (mode & S_IFMT) === S_IFSOCK ? undefined : Errno.ENOTSOCK;
}

/** EBADF for what is no process (pidfd_open(2)). */
export function pidfdError(tid: number, descriptor: number): number | undefined {
  return ofKind(tid, descriptor, [PIDFS, ANON_INODES], Errno.EBADF);
}

/** EINVAL for what is neither a namespace nor a process (setns(2)). */
export function namespaceError(tid: number, descriptor: number): number | undefined {
  return ofKind(tid, descriptor, [NSFS, PIDFS, ANON_INODES], Errno.EINVAL);
}

function ofKind(
  tid: number,
  descriptor: number,
  fileSystems: readonly number[],
  errno: number,
): number | undefined {
  const bad = openError(tid, descriptor);
  if (bad < 0) return -bad;
  const found = look(tid, descriptor);
  return found === undefined || fileSystems.includes(found.fileSystem) ? undefined : errno;
}

/** ENOTTY where what is open surely knows no such command; undefined where it may know it. */
export function ioctlError(tid: number, descriptor: number, command: number): number | undefined {
  const found = look(tid, descriptor);
  return found === undefined || mayKnow(found, command) ? undefined : Errno.ENOTTY;
}

interface Found {
  readonly mode: number;
  readonly major: number;
  readonly fileSystem: number;
}

function look(tid: number, descriptor: number): Found | undefined {
  const own = openTargetDescriptor(tid, descriptor);
  if (own < 0) return undefined;
  const status = fstat(own);
  const fileSystem = fileSystemType(own);
  close(own);
  if (typeof status === 'number') return undefined;
  return { mode: status.mode, major: Number((status.rawDevice >> 8n) & 0xfffn), fileSystem };
}

function mayKnow({ mode, major, fileSystem }: Found, command: number): boolean {
  if (Object.values(VFS_COMMANDS).some((each) => each === command)) return true;
  const isOfTerminals = (command & TERMINAL_FAMILY.mask) === TERMINAL_FAMILY.value;
  switch (mode & S_IFMT) {
    case S_IFCHR:
      if (major === MEMORY_DEVICES) return false;
      return !(isOfTerminals && isPseudoTerminal(major)) || OF_PSEUDO_TERMINALS.includes(command);
    case S_IFBLK:
      return !isOfTerminals;
    case S_IFREG:
    case S_IFDIR: {
      const allocates = Object.values(ALLOCATIONS).some((each) => each === command);
      return !isOfTerminals && (allocates || (COMMANDS_OF.get(fileSystem)?.has(command & 0xffff) ?? true));
    }
    default:
      return false;
  }
}

function isPseudoTerminal(major: number): boolean {
  return major >= FIRST_PSEUDO_TERMINALS && major <= LAST_PSEUDO_TERMINALS;
}
