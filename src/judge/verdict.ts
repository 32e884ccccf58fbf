/** What becomes of a referral. */

export type Verdict =
  /** The kernel goes on with the call. Only where nothing can change under the decision, or Landlock asks it again. */
  | { readonly kind: 'continue' }
  /** The supervisor does it, on the objects it has checked. */
  | { readonly kind: 'perform' }
  /**
   * The call fails with EPERM, or with EACCES as where Landlock refuses it (landlock(7)), unless the kernel would have had an error of
   * its own to give first. `asks`: a person may allow it, where one is asked.
   */
  | { readonly kind: 'refuse'; readonly rule: string; readonly errno?: 'EACCES'; readonly asks?: true };

export const CONTINUE: Verdict = { kind: 'continue' };
export const PERFORM: Verdict = { kind: 'perform' };

export function refuse(rule: string): Verdict {
  return { kind: 'refuse', rule };
}

/** All must be allowed, and where one has to be performed all are. */
export function together(verdicts: readonly Verdict[]): Verdict {
  let result: Verdict = CONTINUE;
  for (const verdict of verdicts) {
    if (verdict.kind === 'refuse') return verdict;
    if (verdict.kind === 'perform') result = verdict;
  }
  return result;
}
