/** What an open comes to that would read what it names, where the supervisor judges reading. */
import { Errno } from '../../linux/errno.ts';
import { close } from '../../linux/libc.ts';
import { judgeRead, type OpenCall, type Place } from '../../judge/files.ts';
import { PERFORM, type Verdict } from '../../judge/verdict.ts';
import { allowed, refused } from '../context.ts';
import { fail, type Referral, type Reply } from '../referral.ts';
import type { FileContext } from './context.ts';
import { flagsError, lacksNumber, openError } from './errors.ts';
import { reopenHeld } from './held.ts';
import { isAnonymousMemory } from './memory-file.ts';
import type { OpenObject } from './object.ts';
import type { OpenRequest } from './open-request.ts';

/** Why something is read. */
export const READ_RULE = 'no rule about reading denies it';

/** Says that it was allowed, where anybody wants to know. */
export function readReported(
  referral: Referral,
  context: FileContext,
  { path: place }: OpenObject,
  reply: Reply,
): Reply {
  return allowed(referral, context, 'read', { kind: 'path', path: place }, reply, READ_RULE);
}

/** What has no place in any directory is the program's own, or was handed to it. */
export function judgeReadingOf({ files }: FileContext, call: OpenCall, object: OpenObject): Verdict {
  const verdict = judgeRead(files, call, object);
  return verdict.kind === 'refuse' && isAnonymousMemory(object) ? PERFORM : verdict;
}

/** Answers it with what is held already, or the error that the kernel would have come to before, or refuses it. Closes the object. */
export function refuseReading(
  referral: Referral,
  context: FileContext,
  bytes: Uint8Array,
  request: OpenRequest,
  object: OpenObject,
  verdict: Extract<Verdict, { kind: 'refuse' }>,
): Reply {
  const reply = lacksNumber(referral, bytes)
    ? fail(flagsError(request) ?? Errno.EMFILE)
    : (reopenHeld(referral, bytes, request.flags, object, context) ??
      refusedReading(
        referral,
        context,
        object,
        flagsError(request) ?? openError(object, request.flags),
        verdict,
      ));
  close(object.descriptor);
  return reply;
}

/** @param natural the error that the kernel would give anyway */
export function refusedReading(
  referral: Referral,
  context: FileContext,
  { path: place }: Pick<Place, 'path'>,
  natural: number | undefined,
  { rule, asks }: Extract<Verdict, { kind: 'refuse' }>,
): Reply {
  if (natural !== undefined) return fail(natural);
  const reported = { kind: 'path', path: Buffer.from(place) } as const;
  return refused(referral, context, 'read', reported, rule, Errno.EACCES, asks);
}
