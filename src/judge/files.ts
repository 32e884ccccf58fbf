/**
 * The judge of file changes: what was asked, as plain values, and where it lies → verdict.
 * Pure: no look at the target, none at the file system.
 */
import { S_ISUID, S_ISGID } from '../linux/files.ts';
import type { DeniedPlaces } from './denied-places.ts';
import type { OwnDirectories } from './own-directories.ts';
import type { ChangeRules } from './change-rules.ts';
import { judgeReading, type ReadingRules } from './reading.ts';
import { CONTINUE, PERFORM, refuse, type Verdict } from './verdict.ts';
import { UNREACHABLE, type Place } from './place.ts';
import type { Location, PathSet } from './path-set.ts';

export { UNREACHABLE, type Place } from './place.ts';

/** What the rule is called that keeps what secfilt itself is made of from changes. */
export const OWN_PLACES = 'the next run would begin with it, or its log lies there';

/** What the rule is called that allows a pseudo-terminal that the sandbox made, whose number is another each time. */
export const OWN_TERMINAL = 'a pseudo-terminal of its own';

/** What the rule is called that keeps interfaces of the kernel from changes, whatever they are called. */
export const KERNEL_INTERFACE = 'an interface of the kernel, which only --write-allow opens';

const OUTSIDE_RULE = refuse('outside --write-allow');
const FIXED_RULE = refuse('a device of everybody is written to, and stays as it is');
const DEVICE_RULE = refuse('device nodes are never made');
const KERNEL_MEMORY_RULE = refuse('process memory is never written through /proc');
const LINK_RULE = refuse('an allowed path does not become a symbolic link');
const TERMINAL_RULE = refuse('only a terminal that was handed over is written to');
const PIPE_RULE = refuse('a pipe is opened for writing by who holds it so');
const SUPERVISOR_RULE = refuse('the supervisor is out of reach');
const INTERFACE_RULE = refuse(KERNEL_INTERFACE);
const INTERFACE_WAY_RULE = refuse('an interface of the kernel lies below it');
const UNREACHABLE_RULE = refuse('a file that has no path here');
const DENIED_RULE = refuse(OWN_PLACES);

/** An object that a path led to. */
export interface FoundObject extends Place {
  readonly device: bigint;
  readonly inode: bigint;
  /** A file of /proc about a process of the sandbox. */
  readonly isOfMember: boolean;
  readonly isBlockDevice?: boolean;
}

export interface OpenCall {
  /** Opens for reading, or for what may come to that. */
  readonly reads?: boolean;
  /** Opens for writing, or truncates. */
  readonly writes: boolean;
  /** The directory makes a nameless file (O_TMPFILE). */
  readonly makesNameless: boolean;
  /**
   * It may truncate what it does not open for writing: O_TRUNC with another access mode, or flags in memory, which may
   * say so by the time the kernel reads them.
   */
  readonly truncatesUnwritten: boolean;
}

/** What the judge knows about the sandbox as a whole. */
export interface FileRules {
  /** False: the policy says nothing of files, and only interfaces of the kernel are kept from changes. */
  readonly restricted: boolean;
  readonly writable: PathSet;
  /** What is writable besides by a call that names just these two, the first as what is moved, or gets a second name. */
  readonly pairs?: readonly {
    readonly from: Uint8Array;
    readonly to: Uint8Array;
    readonly writable: PathSet;
  }[];
  /** Directories where what the sandbox makes is its own. Undefined: there are none. */
  readonly own?: OwnDirectories;
  readonly denied: DeniedPlaces;
  /** Undefined: `writable` says what may be changed. */
  readonly changes?: ChangeRules | undefined;
  /** Undefined: everything may be read. */
  readonly reading?: ReadingRules | undefined;
  /** Where interfaces of the kernel were mounted when the sandbox began. */
  readonly interfaces: DeniedPlaces;
  /** Landlock decides every change again, so that `continue` is safe. */
  readonly landlock: boolean;
  /** Process id of the supervisor, as /proc names it. */
  readonly supervisor: number;
}

/**
 * Whether a place may be read, by the same calls: an object that exists, or an entry that is to be made. What was made inside, in a
 * directory where that is one's own, tells nothing new.
 */
export function judgeRead({ reading, landlock, own }: FileRules, call: OpenCall, place: Place): Verdict {
  if (reading === undefined || call.reads !== true) return CONTINUE;
  const verdict = judgeReading(reading, landlock, place);
  return verdict.kind === 'refuse' && own?.allowsReading(place) === true ? PERFORM : verdict;
}

/** The same calls of something that exists, as far as they change it. */
export function judgeOpen(rules: FileRules, call: OpenCall, object: FoundObject): Verdict {
  return backed(call, judgeExisting(rules, call, object));
}

/** To be told when a place was removed or renamed: what Landlock was told of it went with the old inode. */
export function forgetBacking({ writable, reading }: FileRules, path: Uint8Array): void {
  writable.forgetBacking(path);
  reading?.readable.forgetBacking(path);
}

/** The same where nothing exists yet: an entry is made. */
export function judgeCreate(rules: FileRules, call: OpenCall, place: Place): Verdict {
  return backed(call, judgeEntry(rules, place));
}

/**
 * open(2) of /dev/tty, which means another terminal to each session.
 * @param given the terminal that it means to the caller was handed to the sandbox
 * @param terminal where it has its name, if it was not
 */
export function judgeControllingTerminal(
  rules: FileRules,
  writes: boolean,
  given: boolean,
  terminal: FoundObject | undefined,
): Verdict {
  if (given || !writes) return PERFORM;
  const named = terminal && judgeExisting(rules, WRITING, terminal);
  return named === undefined || named.kind === 'refuse' ? TERMINAL_RULE : PERFORM;
}

const WRITING: OpenCall = { writes: true, makesNameless: false, truncatesUnwritten: false };

/** Landlock is asked about opens for writing, not about truncation (plan/landlock.ts): that is not its to decide again. */
function backed(call: OpenCall, verdict: Verdict): Verdict {
  return verdict.kind === 'continue' && call.truncatesUnwritten ? PERFORM : verdict;
}

function judgeExisting(rules: FileRules, call: OpenCall, object: FoundObject): Verdict {
  if (!call.writes && !call.makesNameless) return rules.landlock ? CONTINUE : PERFORM;
  const kernel = judgeAlways(rules, object.path);
  if (kernel !== undefined) return isAsNatively(rules, object) ? PERFORM : kernel;
  if (startsWith(object.path, PIPE)) return PIPE_RULE;
  if (startsWith(object.path, UNREACHABLE)) return unreachable(rules);
  // Sockets and the like have no place in the file system either, and cannot be opened.
  if (object.path[0] !== 0x2f) return rules.landlock ? CONTINUE : PERFORM;
  const located =
    judgeByRules(rules, object.path) ?? verdictForObject(rules, rules.writable.locate(object.path), object);
  const verdict = unlessUnknown(
    rules,
    object,
    unlessOwn(located, () => opensAsOwn(rules, object)),
  );
  return verdict.kind === 'refuse' && isAsNatively(rules, object) ? PERFORM : verdict;
}

/**
 * A process sets itself up by /proc. Under a file policy that is what concerns nobody else and is no way to write anything; where
 * files are not restricted all but what it shares with others: its session's autogroup (sched(7)), and what lies deeper, such
 * as its network's settings.
 */
function isAsNatively(rules: FileRules, object: FoundObject): boolean {
  if (!startsWith(object.path, PROC) || !object.isOfMember) return false;
  const path = Buffer.from(object.path.buffer, object.path.byteOffset, object.path.byteLength);
  return (rules.restricted ? OWN_SETTING_PATTERN : OWN_FILE_PATTERN).test(path.toString('latin1'));
}

const OWN_SETTING_PATTERN =
  /^\/proc\/\d+(?:\/task\/\d+)?\/(?:comm|coredump_filter|oom_score_adj|timerslack_ns)$/;

const OWN_FILE_PATTERN = /^\/proc\/\d+(?:\/task\/\d+)?\/(?!autogroup$)(?:attr\/(?:[a-z]+\/)?)?[a-z_]+$/;

/** A new entry of a directory is made. The path is that of the entry. */
export function judgeEntry(rules: FileRules, place: Place): Verdict {
  return judgeName(rules, place, (own) => own.allowsNew(place));
}

/** An entry is taken away. */
export function judgeRemoval(rules: FileRules, place: Place): Verdict {
  return judgeName(rules, place, (own) => own.allowsRemoval(place));
}

/** A name, by the writable trees or as the sandbox's own. */
export function judgeName(rules: FileRules, place: Place, isOwn: (own: OwnDirectories) => boolean): Verdict {
  const { own } = rules;
  const located = judgePath(rules, place.path);
  return unlessUnknown(rules, place, own === undefined ? located : unlessOwn(located, () => isOwn(own)));
}

/** What no allowed path holds, and is the sandbox's own: Landlock has no rule for it, so it is performed. */
function unlessOwn(verdict: Verdict, isOwn: () => boolean): Verdict {
  return verdict === OUTSIDE_RULE && isOwn() ? PERFORM : verdict;
}

/** A shared directory itself is opened as ever: for nameless files. */
function opensAsOwn({ own }: FileRules, object: FoundObject): boolean {
  return own !== undefined && (own.has(object.path) || own.allowsChange(object));
}

/**
 * What of the kernel's interfaces was mounted since, or has no path here (umount2(2), MNT_DETACH), lies in no place that a rule
 * could have named.
 */
function unlessUnknown(rules: FileRules, place: Place, verdict: Verdict): Verdict {
  if (!place.isInterface) return verdict;
  if (verdict.kind === 'refuse') return verdict === OUTSIDE_RULE ? INTERFACE_RULE : verdict;
  return rules.interfaces.has(place.path) ? verdict : INTERFACE_RULE;
}

function judgePath(rules: FileRules, path: Uint8Array): Verdict {
  const kernel = judgeAlways(rules, path);
  if (kernel !== undefined) return kernel;
  const ruled = judgeByRules(rules, path);
  if (ruled !== undefined) return ruled;
  const location = rules.writable.locate(path);
  switch (location.kind) {
    case 'outside':
      return outside(rules);
    case 'at':
      return rules.writable.isFixed(path) ? FIXED_RULE : PERFORM;
    case 'below':
      return location.backed && rules.landlock && mayMoveUnseen(rules) ? CONTINUE : PERFORM;
  }
}

/** Where the supervisor judges reading it has to know which names there are. */
export function mayMoveUnseen({ reading }: FileRules): boolean {
  return reading === undefined || reading.byLandlock;
}

/** What is said of a place by more than the trees that are writable; undefined: nothing. */
function judgeByRules({ changes, writable }: FileRules, path: Uint8Array): Verdict | undefined {
  return changes?.judge(path, writable);
}

/**
 * An entry is taken away or put in another's place: by that, a name on the way to a denied place, or to an interface of the
 * kernel, would mean another.
 */
export function judgeMove(rules: FileRules, place: Place): Verdict {
  return onNoWay(rules, place) ?? judgeName(rules, place, (own) => own.allowsReplacement(place));
}

/** The refusal of what would make a name on the way to a place that stays as it is mean another; undefined: it is on no such way. */
export function onNoWay(rules: FileRules, place: Place): Verdict | undefined {
  if (rules.denied.leadsTo(place.path)) return DENIED_RULE;
  return rules.interfaces.leadsTo(place.path) ? INTERFACE_WAY_RULE : undefined;
}

/**
 * symlink(2): as an entry, but an allowed path itself never becomes a link. A later run that allows the same path would
 * follow it, and allow what the link names.
 */
export function judgeLink(rules: FileRules, place: Place): Verdict {
  const verdict = onNoWay(rules, place) ?? judgeEntry(rules, place);
  return verdict.kind !== 'refuse' && isAllowedPath(rules, place.path) ? LINK_RULE : verdict;
}

/** True for an allowed path itself that lies in no other allowed one. */
export function isAllowedPath(rules: FileRules, path: Uint8Array): boolean {
  return rules.writable.locate(path).kind === 'at';
}

/** mknod(2): as an entry, but block and character devices are never made. */
export function judgeNode(rules: FileRules, place: Place, isDevice: boolean): Verdict {
  return isDevice ? DEVICE_RULE : judgeEntry(rules, place);
}

/** True where no path is allowed, and only what the sandbox made is its own. */
export function isShared(rules: FileRules, place: Place): boolean {
  const { own, writable, changes } = rules;
  const isOutside = own !== undefined && writable.locate(place.path).kind === 'outside';
  return isOutside && changes?.allowsOutside(place.path, writable) !== true;
}

/** The mode of a new file: where others come no program is left with its owner's or group's rights (inode(7)). */
export function unelevated(rules: FileRules, place: Place, mode: number): number {
  return isShared(rules, place) ? mode & ~(S_ISUID | S_ISGID) : mode;
}

/** truncate(2). */
export function judgeTruncate(rules: FileRules, object: FoundObject): Verdict {
  return judgeOpen(rules, { writes: true, makesNameless: false, truncatesUnwritten: true }, object);
}

/** Mode, owner, times, extended attributes, flags: Landlock knows nothing of them, so they are always performed. */
export function judgeMetadata(rules: FileRules, place: Place): Verdict {
  const located = judgeMetadataOf(rules, place.path);
  return unlessUnknown(
    rules,
    place,
    unlessOwn(located, () => rules.own?.allowsChange(place) === true),
  );
}

function judgeMetadataOf(rules: FileRules, path: Uint8Array): Verdict {
  const kernel = judgeAlways(rules, path);
  if (kernel !== undefined) return kernel;
  // Pipes and sockets; what is called anon_inode: is shared by the whole system.
  if (path[0] !== 0x2f) return startsWith(path, PIPE) || startsWith(path, SOCKET) ? PERFORM : OUTSIDE_RULE;
  const ruled = judgeByRules(rules, path);
  if (ruled !== undefined) return ruled;
  const location = rules.writable.locate(path);
  if (location.kind === 'at' && rules.writable.isFixed(path)) return FIXED_RULE;
  return location.kind === 'outside' ? outside(rules) : PERFORM;
}

/** Under a policy that says nothing of files nothing else is outside. */
function outside(rules: FileRules): Verdict {
  return rules.restricted ? OUTSIDE_RULE : INTERFACE_RULE;
}

/** In another mount namespace, say: no option names it. */
function unreachable(rules: FileRules): Verdict {
  return rules.restricted ? OUTSIDE_RULE : UNREACHABLE_RULE;
}

function verdictForObject(rules: FileRules, location: Location, object: FoundObject): Verdict {
  switch (location.kind) {
    case 'outside':
      return outside(rules);
    case 'at':
      return rules.landlock && isBacked(location.backing, object) ? CONTINUE : PERFORM;
    case 'below':
      return location.backed && rules.landlock ? CONTINUE : PERFORM;
  }
}

function isBacked(backing: Extract<Location, { kind: 'at' }>['backing'], object: FoundObject): boolean {
  switch (backing.kind) {
    case 'directory':
      return true;
    case 'file':
      return backing.device === object.device && backing.inode === object.inode;
    case 'none':
      return false;
  }
}

const PROC = Buffer.from('/proc/');
const PIPE = Buffer.from('pipe:');
const SOCKET = Buffer.from('socket:');
const MEMORY = Buffer.from('/mem');

/** What is refused wherever it lies in an allowed tree. */
function judgeAlways(rules: FileRules, path: Uint8Array): Verdict | undefined {
  if (rules.denied.has(path)) return DENIED_RULE;
  if (!startsWith(path, PROC)) return undefined;
  if (endsWith(path, MEMORY)) return KERNEL_MEMORY_RULE;
  const own = Buffer.from(`/proc/${rules.supervisor}`);
  if (startsWith(path, own) && (path.length === own.length || path[own.length] === 0x2f))
    return SUPERVISOR_RULE;
  return undefined;
}

function endsWith(path: Uint8Array, end: Uint8Array): boolean {
  return path.length >= end.length && Buffer.compare(path.subarray(path.length - end.length), end) === 0;
}

/** True where the kernel's name of an object is that of a pipe, which has no other name (pipe(7)). */
export function isPipe(path: Uint8Array): boolean {
  return startsWith(path, PIPE);
}

function startsWith(path: Uint8Array, prefix: Uint8Array): boolean {
  return path.length >= prefix.length && Buffer.compare(path.subarray(0, prefix.length), prefix) === 0;
}
