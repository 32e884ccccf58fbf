/** What every handler of referrals has at hand: the rules, the supervisor's own credentials, the reporter. */
import { syscallName } from '../linux/syscalls.ts';
import { Errno } from '../linux/errno.ts';
import type { Operation, ReportedObject, Reporter } from '../report/event.ts';
import type { Credentials } from './target/credentials.ts';
import type { DescriptorTables } from './target/descriptor-tables.ts';
import type { Members } from './target/members.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from './referral.ts';
import { toldPart } from './target/depth.ts';
import { targetStatus, type TargetStatus } from './target/target.ts';

export interface Context {
  readonly reporter: Reporter;
  readonly credentials: Credentials;
  /** Our own effective user id. */
  readonly userId: number;
  readonly descriptorTables: DescriptorTables;
  readonly members: Members;
  /** No core is dumped (`Situation`). */
  readonly withoutCores: boolean;
}

/** Answers EPERM, or what a program has a better way to go on from, and says so. */
export function refused(
  referral: Referral,
  context: Context,
  operation: Operation,
  object: ReportedObject,
  rule: string,
  errno: number = Errno.EPERM,
  asks = false,
): Reply {
  context.reporter.report({
    time: Date.now(),
    tid: referral.tid,
    call: syscallName(referral.number) ?? `call ${referral.number}`,
    operation,
    object: told(object),
    verdict: 'refused',
    errno,
    layer: 'supervisor',
    rule,
    ...(asks && { asks }),
  });
  return fail(errno);
}

/** Why nothing is done for somebody. */
export const OTHER_RIGHTS = 'for who has given up or taken on rights nothing is done';

/** Refuses what would have to be done for a target for whom the supervisor may not act, and says so; of who waits no more nobody is told. */
export function untrusted(
  referral: Referral,
  context: Context,
  operation: Operation,
  object: ReportedObject = { kind: 'none' },
): Reply {
  return referral.isCurrent()
    ? refused(referral, context, operation, object, OTHER_RIGHTS)
    : fail(Errno.EPERM);
}

/** Says that a referral was allowed, where anybody wants to know, and passes the reply on. */
export function allowed(
  referral: Referral,
  context: Context,
  operation: Operation,
  object: ReportedObject,
  reply: Reply,
  rule = 'inside --write-allow',
): Reply {
  if (context.reporter.wantsAllowed) {
    context.reporter.report({
      time: Date.now(),
      tid: referral.tid,
      call: syscallName(referral.number) ?? `call ${referral.number}`,
      operation,
      object: told(object),
      verdict: 'allowed',
      errno: reply.kind === 'errno' ? reply.errno : 0,
      layer: reply === CONTINUE_CALL ? 'landlock' : 'supervisor',
      rule,
    });
  }
  return reply;
}

/** What a report names exists: of a place that is too deep for a path the directory above it that has one. */
function told(object: ReportedObject): ReportedObject {
  if (object.kind === 'path') return { ...object, path: toldPart(object.path) };
  return object.kind === 'paths'
    ? { ...object, from: toldPart(object.from), to: toldPart(object.to) }
    : object;
}

/** True for a target for whom the supervisor may act: its credentials are our own, and it still waits for its answer. */
export function isTrusted(referral: Referral, context: Context): boolean {
  return context.credentials.areOurs(referral.tid) && referral.isCurrent();
}

/** The status of such a target; undefined where it is none. */
export function trustedStatus(referral: Referral, context: Context): TargetStatus | undefined {
  const status = targetStatus(referral.tid);
  if (typeof status === 'number' || !referral.isCurrent()) return undefined;
  return context.credentials.areIn(status) ? status : undefined;
}
