/**
 * The machine code of a compiled policy (x86-64), from its start to execve(2): what needs a look at this start, which the
 * launcher's table of calls (code.ts) cannot take. Everything that differs between policies is in the settings
 * (settings.ts), and what is found out in memory of its own.
 *
 *   rbx  the settings    rbp  the stack as execve(2) left it: argc, then argv        rcx, r11  clobbered by every system call
 */
import { listingBytes, readListing, type Instruction } from '../listing.ts';
import { BECOME } from './listing/become.ts';
import { FIND_COMMAND } from './listing/find-command.ts';
import { LOOK_UP } from './listing/look-up.ts';
import { PREPARE } from './listing/prepare.ts';
import { RULES } from './listing/rules.ts';
import { SAY } from './listing/say.ts';
import { SURROUNDINGS } from './listing/surroundings.ts';
import { WALK } from './listing/walk.ts';

/** They lie behind each other in this order. */
const LISTING = [FIND_COMMAND, PREPARE, SURROUNDINGS, RULES, BECOME, SAY, LOOK_UP, WALK]
  .map((part) => part.trim())
  .join('\n');

/** The eight bytes before it are the address of the settings. */
export const STANDALONE_CODE: Buffer = listingBytes(LISTING);

/** The listing, a line each. */
export function standaloneInstructions(): Instruction[] {
  return readListing(LISTING);
}

/** Memory that is all zero at the start. No word of a command line or of the environment is longer than 128 KiB (execve(2)). */
export const StandaloneMemory = {
  start: 0x2000_0000,
  end: 0x2023_f000,
} as const;

/** The settings, eight bytes each, in the order in which the code has them. */
export const SETTINGS = [
  /** Addresses where not said otherwise: the command's name, or 0: the first argument is it. */
  'name',
  /** The number of words that are known, and these. */
  'count',
  'words',
  'defaultPath',
  'nothing',
  'notFound',
  'noCommand',
  /** An errno in a byte and its message, one behind the other; 0 at last, and the message for all others. */
  'errors',
  /** A number: the least ABI of Landlock. */
  'abi',
  /** `Flag`s. */
  'flags',
  /** A mask: what a sandbox of root's keeps. */
  'capabilities',
  /** struct landlock_ruleset_attr. */
  'handledAccessFs',
  'handledAccessNet',
  'scoped',
  /** Rights of a rule. */
  'fileRights',
  'directoryRights',
  'executable',
  'mountTable',
  'proc',
  'sys',
  /** Types of file systems, one behind the other, an empty one at last. */
  'interfaces',
  /** Four words each (`StandaloneRule`), the first of them 0 at last. */
  'paths',
  /** A word each, a negative one at last; or 0: there are none. */
  'ports',
  /** struct rlimit. */
  'softCoreLimit',
  'hardCoreLimit',
  /** struct sock_fprog. */
  'filter',
  'shell',
  'noLandlock',
  'reachingSocket',
  'tooLong',
  'outerSupervisor',
  'holdsOwn',
  'isLink',
  'existsNot',
  'impossible',
  'prefix',
  /** Of a descriptor in /proc, its last character the number. */
  'descriptorName',
  'root',
] as const;

export type Setting = (typeof SETTINGS)[number];

export const Flag = {
  /** The policy restricts something: sockets that are handed down count. */
  restricts: 1,
  /** Files are restricted: the terminals that are handed down may be written to, no core is dumped. */
  files: 2,
  /** Changes are allowed somewhere. */
  changes: 4,
  /** Changes are allowed everywhere but at the interfaces of the kernel. */
  everywhere: 8,
} as const;
