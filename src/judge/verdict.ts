/** What becomes of a referral. */

export type Verdict =
  /** The kernel goes on with the call. Only where nothing can change under the decision, or Landlock asks it again. */
  | { readonly kind: 'continue' }
  /** The supervisor does it, on the objects it has checked. */
  | { readonly kind: 'perform' }
  /** The call fails with EPERM, unless the kernel would have had an error of its own to give first. */
  | { readonly kind: 'refuse'; readonly rule: string };

export const CONTINUE: Verdict = { kind: 'continue' };
export const PERFORM: Verdict = { kind: 'perform' };

export function refuse(rule: string): Verdict {
  return { kind: 'refuse', rule };
}
