/**
 * Whether a process of the sandbox has confined itself further with Landlock. Nobody tells which ones are in such a domain, so
 * from the first on openat2(2), which is performed for reading too, is no longer there: what is read would not be asked
 * of the inner domain. Callers know what to do then, and a read-only open(2) goes on in the kernel.
 */
import { CONTINUE_CALL, type Referral, type Reply } from '../referral.ts';

export class InnerDomains {
  exist = false;
}

/** landlock_restrict_self(2): noted before there is a domain. It can only restrict more. */
export function landlockRestrictSelf(
  _referral: Referral,
  { innerDomains }: { readonly innerDomains: InnerDomains },
): Reply {
  innerDomains.exist = true;
  return CONTINUE_CALL;
}
