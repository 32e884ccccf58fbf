/**
 * Whether a process of the sandbox has confined itself further with Landlock. Nobody tells which ones are in such a domain, so
 * from the first on openat2(2), which is performed for reading too, is no longer there: what is read would not be asked
 * of the inner domain. Callers know what to do then, and a read-only open(2) goes on in the kernel.
 *
 * Where every such open is performed, or changes in whole trees are, there is no Landlock inside: a domain would hold nothing of what it
 * says. Programs know kernels without it.
 */
import { mayMoveUnseen, type FileRules } from '../../judge/files.ts';
import { Errno } from '../../linux/errno.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from '../referral.ts';

interface DomainContext {
  readonly innerDomains: InnerDomains;
  readonly files: FileRules;
}

export class InnerDomains {
  exist = false;
}

/** landlock_create_ruleset(2), which is also asked which Landlock there is. */
export function landlockCreateRuleset(_referral: Referral, { files }: DomainContext): Reply {
  return passesDomainsBy(files) ? fail(Errno.ENOSYS) : CONTINUE_CALL;
}

/** landlock_restrict_self(2), of a ruleset that may have been handed in: noted before there is a domain. It can only restrict more. */
export function landlockRestrictSelf(_referral: Referral, { innerDomains, files }: DomainContext): Reply {
  if (passesDomainsBy(files)) return fail(Errno.ENOSYS);
  innerDomains.exist = true;
  return CONTINUE_CALL;
}

function passesDomainsBy(files: FileRules): boolean {
  return files.changes !== undefined || !mayMoveUnseen(files);
}
