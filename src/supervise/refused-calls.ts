/**
 * Calls that are refused for what they are: nobody judges them and nothing is done. The filter leaves them to us where there is a
 * supervisor, so that the refusal is told, and so that an error which the kernel would have come to before that is still its own.
 */
import { Errno } from '../linux/errno.ts';
import { syscallName, X86_64 } from '../linux/syscalls.ts';
import { asTarget } from './as-target.ts';
import type { Context } from './context.ts';
import { fail, type Referral, type Reply } from './referral.ts';
import { naturalError } from './refused/natural-errors.ts';

const RULE = 'refused whatever the options say';

/** Answers EPERM and says so, or gives the error that the call has without us. */
export function refusedCall(referral: Referral, context: Context): Reply {
  const { credentials } = context;
  // Who has other rights than ours is not told what we find.
  const errno = credentials.haveOurRights(referral.tid)
    ? naturalError(referral, context)
    : asTargetError(referral, context);
  if (errno !== undefined) return fail(errno);
  // Not refused, but as where a file system has no handles: what every caller must cope with.
  if (referral.number === X86_64.name_to_handle_at) return fail(Errno.EOPNOTSUPP);
  context.reporter.report({
    time: Date.now(),
    tid: referral.tid,
    call: syscallName(referral.number) ?? `call ${referral.number}`,
    operation: 'other',
    object: { kind: 'none' },
    verdict: 'refused',
    errno: Errno.EPERM,
    layer: 'filter',
    rule: RULE,
  });
  return fail(Errno.EPERM);
}

function asTargetError(referral: Referral, context: Context): number | undefined {
  const reply = asTarget(referral, context, (own, as) => fail(naturalError(own, as) ?? Errno.EPERM));
  return reply?.kind === 'errno' && reply.errno !== Errno.EPERM ? reply.errno : undefined;
}
