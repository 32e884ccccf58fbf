/**
 * Opens of /dev/tty for writing, by whatever name. What it means is the program's choice: it may begin a session (setsid(2)),
 * open a terminal that is nobody's, if only for reading, and has it as its own from then on. So no rule is made for it: the
 * supervisor looks which terminal is meant each time, and opens one that the sandbox was handed or made.
 */
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  openPathText,
  pathOfDescriptor,
} from '../../linux/files.ts';
import { Errno } from '../../linux/errno.ts';
import { close, openText } from '../../linux/libc.ts';
import { processStat } from '../../linux/process-stat.ts';
import { judgeControllingTerminal } from '../../judge/files.ts';
import { allowed, isTrusted, refused } from '../context.ts';
import type { FileContext } from './context.ts';
import type { Members } from '../target/members.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import { flagsError, openError } from './errors.ts';
import { OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';
import { handed } from './handed.ts';
import { openBehind, untrustedOpen } from './perform-open.ts';
import { CONTROLLING_TERMINAL } from '../../linux/terminal.ts';

/** Majors of the devices that can be opened by number: those of pseudo-terminals (pts(4)), and of consoles and serial lines. */
const PSEUDO = { first: 136n, last: 143n } as const;
const CONSOLES = 4n;

/** True for the device that means another terminal to each session; not for one that is only named (O_PATH). */
export function isControllingTerminal(request: OpenRequest, object: OpenObject): boolean {
  return (request.flags & O_PATH) === 0 && object.characterDevice === CONTROLLING_TERMINAL;
}

/** Opens the caller's terminal, or refuses it. Closes the object. */
export function openControllingTerminal(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  object: OpenObject,
): Reply {
  const errno = flagsError(request) ?? openError(object, request.flags);
  const reply = errno === undefined ? attempt(referral, context, request, object) : fail(errno);
  const reported = { kind: 'path', path: object.path } as const;
  close(object.descriptor);
  if ('rule' in reply) return refused(referral, context, 'write', reported, reply.rule);
  return isWriting(request) ? allowed(referral, context, 'write', reported, reply) : reply;
}

function attempt(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  object: OpenObject,
): Reply | { readonly rule: string } {
  const caller = processStat(referral.tid);
  if (caller === undefined || !isTrusted(referral, context))
    return untrustedOpen(referral, context, request, object.path);
  if (caller.terminal === 0n) return fail(Errno.ENXIO);
  const us = processStat('self');
  // A session has one terminal, and ours is not led from inside: the device means the same to both of us.
  const isOurs = us !== undefined && us.session === caller.session && us.terminal === caller.terminal;
  const given = isOurs
    ? object.descriptor
    : (context.pseudoTerminals.findNumber(caller.terminal) ?? context.terminals.find(caller.terminal));
  const other = given === undefined ? placeOf(caller.terminal, context.members) : undefined;
  const descriptor = given ?? other?.descriptor;
  const verdict = judgeControllingTerminal(context.files, isWriting(request), given !== undefined, other);
  const reply =
    verdict.kind === 'refuse'
      ? { rule: verdict.rule }
      : descriptor === undefined
        ? fail(Errno.ENXIO)
        : reopen(referral, context, request, descriptor, caller.terminal);
  if (other !== undefined) close(other.descriptor);
  return reply;
}

function isWriting({ flags }: OpenRequest): boolean {
  return (flags & O_ACCMODE) !== 0;
}

function reopen(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  descriptor: number,
  terminal: bigint,
): Reply {
  // It is the caller's controlling terminal already.
  const flags = (request.flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_NOCTTY;
  // A serial line may wait for its carrier.
  if (!isPseudo(terminal)) return openBehind(referral, context.pending, descriptor, flags);
  return handed(openText(AT_FDCWD, `/proc/self/fd/${descriptor}`, flags | O_CLOEXEC, 0), flags);
}

/** Where a terminal that nobody handed over has its name; undefined where it has none here. */
function placeOf(terminal: bigint, members: Members): OpenObject | undefined {
  const [major, minor] = [majorOf(terminal), minorOf(terminal)];
  if (!isPseudo(terminal) && major !== CONSOLES) return undefined;
  const name = isPseudo(terminal) ? `/dev/pts/${(major - PSEUDO.first) * 256n + minor}` : `/dev/tty${minor}`;
  const descriptor = openPathText(name);
  if (descriptor < 0) return undefined;
  const path = pathOfDescriptor(descriptor);
  const object =
    typeof path === 'number' ? undefined : new OpenObject(descriptor, Buffer.from(path), members);
  if (object?.characterDevice === terminal) return object;
  close(descriptor);
  return undefined;
}

function isPseudo(terminal: bigint): boolean {
  return majorOf(terminal) >= PSEUDO.first && majorOf(terminal) <= PSEUDO.last;
}

function majorOf(device: bigint): bigint {
  return (device >> 8n) & 0xfffn;
}

function minorOf(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & 0xfff00n);
}
