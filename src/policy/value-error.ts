/** A value that a person wrote and that cannot be taken as it stands. Whoever knows the word adds it to the message. */
import type { PathBytes } from './policy.ts';

export class ValueError extends Error {
  /** What is wrong, to be read after the word: `has host bits set`. Text of our own, safe to print. */
  readonly problem: string;
  /** What would be right: `did you mean 192.168.1.0/24?`. Text of our own, safe to print. */
  readonly hint: string | undefined;
  /** The path that stands in the way. Bytes from outside: to be escaped before they are printed. */
  readonly place: PathBytes | undefined;

  constructor(problem: string, more: { readonly hint?: string; readonly place?: PathBytes } = {}) {
    super(more.hint === undefined ? problem : `${problem}: ${more.hint}`);
    this.name = 'ValueError';
    this.problem = problem;
    this.hint = more.hint;
    this.place = more.place;
  }
}
