/** Opens of pseudo-terminals that are the sandbox's own, by name and by their master (ioctl_tty(2), TIOCGPTPEER). */
import { O_ACCMODE, O_PATH } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { OWN_TERMINAL, judgeOpen } from '../../judge/files.ts';
import type { Verdict } from '../../judge/verdict.ts';
import { allowed, isTrusted, refused, untrusted } from '../context.ts';
import type { FileContext } from './context.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import { closeLingering } from '../watch.ts';
import { flagsError, openError } from './errors.ts';
import { objectBehind, type OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';
import { untrustedOpen } from './perform-open.ts';
import { MASTER, openOther, openPlace } from './pseudo-terminals.ts';

/**
 * Opens a master, or the slave of one that was opened here, and closes the object; undefined where it is none, or where files
 * are not restricted, so that all of them may be opened.
 * @param verdict what the policy says of its place
 */
export function openOwnTerminal(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  object: OpenObject,
  verdict: Verdict,
): Reply | undefined {
  if (!context.files.restricted || (request.flags & O_PATH) !== 0 || object.characterDevice === undefined)
    return undefined;
  const isMaster = object.characterDevice === MASTER;
  const place = isMaster || verdict.kind !== 'refuse' ? undefined : context.pseudoTerminals.find(object);
  if (!isMaster && place === undefined) return undefined;
  const errno = flagsError(request) ?? openError(object, request.flags);
  const reply =
    errno === undefined ? attempt(referral, context, request, object.path, place ?? object) : fail(errno);
  const reported = { kind: 'path', path: object.path } as const;
  close(object.descriptor);
  return allowed(referral, context, 'write', reported, reply, OWN_TERMINAL);
}

/** @param file a slave's place, or a master's file */
function attempt(
  referral: Referral,
  context: FileContext,
  request: OpenRequest,
  path: Buffer,
  file: number | OpenObject,
): Reply {
  if (!isTrusted(referral, context)) return untrustedOpen(referral, context, request, path);
  return typeof file === 'number' ? openPlace(file, request) : context.pseudoTerminals.make(file, request);
}

/** TIOCGPTPEER: as an open of the slave by name. What is copied is the very master that is asked. */
export function openSlave(referral: Referral, context: FileContext): Reply {
  const master = copyDescriptor(referral.tid, referral.int(0));
  if (master < 0) return fail(-master);
  const place = openOther(master, O_PATH);
  closeLingering(master);
  if (place < 0) return fail(-place);
  const object = objectBehind(place, context.members);
  const reply = typeof object === 'number' ? fail(-object) : openJudged(referral, context, object);
  close(place);
  return reply;
}

function openJudged(referral: Referral, context: FileContext, object: OpenObject): Reply {
  const flags = referral.int(2);
  const request = { directory: object.descriptor, flags: flags & ~O_PATH, mode: 0, resolve: 0 };
  const writes = (flags & O_ACCMODE) !== 0;
  const verdict = judgeOpen(
    context.files,
    { writes, makesNameless: false, truncatesUnwritten: false },
    object,
  );
  const own = context.pseudoTerminals.find(object) !== undefined;
  const reported = { kind: 'path', path: object.path } as const;
  if (verdict.kind === 'refuse' && !own) {
    const errno = openError(object, request.flags);
    return errno === undefined ? refused(referral, context, 'write', reported, verdict.rule) : fail(errno);
  }
  if (!isTrusted(referral, context)) return untrusted(referral, context, 'write', reported);
  const reply = openPlace(object.descriptor, request);
  return writes
    ? allowed(referral, context, 'write', reported, reply, own ? OWN_TERMINAL : undefined)
    : reply;
}
