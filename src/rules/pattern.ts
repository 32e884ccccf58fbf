/**
 * Patterns of paths: `*` and `?` match bytes but no slash, `[…]` one byte of a set, `**` alone between slashes any number of
 * components, none among them. A backslash takes the meaning away. `*` matches a leading dot too (glob(7) says else).
 */

export type Token =
  | { readonly kind: 'byte'; readonly byte: number }
  /** Any number of bytes. */
  | { readonly kind: 'star' }
  /** One byte that is no slash; `bytes` has 256 members. */
  | { readonly kind: 'set'; readonly bytes: readonly boolean[] };

/** What stands between two slashes. */
export type Component =
  | { readonly kind: 'name'; readonly name: Buffer }
  | { readonly kind: 'glob'; readonly tokens: readonly Token[] }
  /** `**`. */
  | { readonly kind: 'any' };

export interface Pattern {
  /** The literal beginning: a directory, absolute, as the kernel names it, without trailing slash but `/`. */
  readonly base: Buffer;
  /** What follows below it; the first is no name. */
  readonly components: readonly Component[];
  /** As it was written. */
  readonly text: string;
}
