/**
 * The rules of a policy about places: what may be read, changed and executed. Plain values, complete and checked.
 *
 * The rule nearest to a file decides, and at the same place `deny` wins (decide in rule-index.ts). Order means nothing.
 */
import type { Pattern } from './pattern.ts';

/** What is done to a file: opening it for reading, any change, execve(2). */
export type Access = 'read' | 'write' | 'execute';

/** What a rule names: that, and all below it. It need not exist. */
export type RulePlace =
  /** Absolute, as the kernel names it: symbolic links resolved as far as the path exists, no trailing slash. */
  { readonly kind: 'path'; readonly path: Buffer } | { readonly kind: 'pattern'; readonly pattern: Pattern };

export interface Rule {
  readonly effect: 'allow' | 'deny';
  readonly place: RulePlace;
  /** As a person said it, for messages: `--read-deny=~/.ssh`, `--read-deny=@secrets (~/.ssh)`. */
  readonly said: string;
}

/**
 * The directory below which a rule's place lies, or the place itself: the path, or a pattern's literal beginning.
 */
export function beginningOf({ place }: Rule): Buffer {
  return place.kind === 'path' ? place.path : place.pattern.base;
}
