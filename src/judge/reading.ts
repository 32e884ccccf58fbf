/**
 * The judge of reading: what lies at a denied place is not opened for reading, by whatever name. Pure.
 *
 * Where Landlock holds the rules by itself (plan/) only those opens come here that the supervisor may have to perform, which Landlock
 * knows nothing of. Else all do: Landlock cannot be told of exceptions without keeping from execution what is made beside them (execve(2) reads), so mostly it is
 * told nothing of reading then, and every open is performed.
 */
import type { Rule } from '../rules/rule.ts';
import type { RuleIndex } from '../rules/rule-index.ts';
import type { PathSet } from './path-set.ts';
import { UNREACHABLE } from './place.ts';
import { CONTINUE, PERFORM, type Verdict } from './verdict.ts';

export interface ReadingRules {
  readonly rules: RuleIndex;
  /** What Landlock allows to be read, where it decides again: nothing is denied there. Else it is empty. */
  readonly readable: PathSet;
  /** Landlock holds all of it, of what the kernel goes on with. */
  readonly byLandlock: boolean;
  /** Besides, each by itself and nothing below it: bytes as characters (latin1). */
  readonly granted?: ReadonlySet<string>;
}

/** What is to be read, or made and read. */
export interface ReadPlace {
  /** As the kernel names it. */
  readonly path: Uint8Array;
  /** Of an object that exists. */
  readonly device?: bigint;
  readonly inode?: bigint;
  /** What is on it may be read by other names. */
  readonly isBlockDevice?: boolean;
}

const SLASH = 0x2f;
const ROOT = Buffer.from('/');
/** What the kernel adds to the name of what has none any more (proc(5), /proc/PID/fd). */
const DELETED = Buffer.from(' (deleted)');

const UNREACHABLE_RULE = closed('a file that has no path here is not read');
const DEVICE_RULE = closed('a block device holds what is denied');

function closed(rule: string): Verdict {
  return { kind: 'refuse', rule, errno: 'EACCES' };
}

/** open(2) and its kin, execve(2) and readlink(2) of a place. */
export function judgeReading(
  { rules, readable, byLandlock, granted }: ReadingRules,
  landlock: boolean,
  place: ReadPlace,
): Verdict {
  const { path } = place;
  const goOn = landlock && byLandlock ? CONTINUE : PERFORM;
  if (path[0] !== SLASH) return startsWith(path, UNREACHABLE) ? UNREACHABLE_RULE : goOn;
  if (landlock && isBacked(readable, place)) return CONTINUE;
  const verdict = denying(rules, path);
  if (verdict !== undefined) return granted?.has(latin1(path)) === true ? PERFORM : verdict;
  if (place.isBlockDevice === true && rules.mayDenyWithin(ROOT)) return DEVICE_RULE;
  return goOn;
}

/** True where what may not be read by one name, or may not have been by one that is gone, could be read by the other. */
export function freesReading({ rules }: ReadingRules, from: Uint8Array, to: Uint8Array): boolean {
  if (rules.difference(from, to).frees) return true;
  return endsWith(from, DELETED) && rules.difference(withoutDeleted(from), to).frees;
}

/** True where something may not be read by the name that it has, or had. */
export function isClosed({ rules }: ReadingRules, path: Uint8Array): boolean {
  return denying(rules, path) !== undefined;
}

/** The refusal of a path, or of the path that it had. Where all is denied but what others allow, a person may be asked for more. */
function denying(rules: RuleIndex, path: Uint8Array): Verdict | undefined {
  const rule = rules.decide(path);
  if (rule?.effect === 'deny')
    return { kind: 'refuse', rule: rule.said, errno: 'EACCES', ...(deniesAll(rule) && { asks: true }) };
  if (!endsWith(path, DELETED)) return undefined;
  const before = rules.decide(withoutDeleted(path));
  return before?.effect === 'deny' ? closed(before.said) : undefined;
}

function withoutDeleted(path: Uint8Array): Uint8Array {
  return path.subarray(0, path.length - DELETED.length);
}

function deniesAll({ place }: Rule): boolean {
  return place.kind === 'path' && place.path.length === 1;
}

function latin1(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
}

/** What it takes a call to know is asked for only where it counts. */
function isBacked(readable: PathSet, place: ReadPlace): boolean {
  const location = readable.locate(place.path);
  switch (location.kind) {
    case 'outside':
      return false;
    case 'below':
      return location.backed;
    case 'at': {
      const { backing } = location;
      if (backing.kind === 'file') return backing.device === place.device && backing.inode === place.inode;
      return backing.kind === 'directory';
    }
  }
}

function startsWith(path: Uint8Array, start: Uint8Array): boolean {
  return path.length >= start.length && Buffer.compare(path.subarray(0, start.length), start) === 0;
}

function endsWith(path: Uint8Array, end: Uint8Array): boolean {
  return path.length > end.length && Buffer.compare(path.subarray(path.length - end.length), end) === 0;
}
