/** A pattern that cannot be taken as it stands. Whoever knows the word adds it to the message. */
export class PatternError extends Error {
  /** What is wrong, to be read after the word: `has an empty set`. Text of our own, safe to print. */
  readonly problem: string;
  /** What would be right. Text of our own, safe to print. */
  readonly hint: string;

  constructor(problem: string, hint: string) {
    super(`${problem}: ${hint}`);
    this.name = 'PatternError';
    this.problem = problem;
    this.hint = hint;
  }
}
