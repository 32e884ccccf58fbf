/** What a person got wrong, on the command line or in a config file. */
import type { PathBytes } from '../policy/policy.ts';
import { ValueError } from '../policy/value-error.ts';
import { escapeBytes } from '../report/escape.ts';
import { type ByteString, printable } from './byte-string.ts';

/** Where a word was written. */
export type Origin =
  | { readonly kind: 'command-line' }
  | { readonly kind: 'config-file'; readonly file: PathBytes; readonly line: number };

export interface UsageErrorDetails {
  /** The word in error. */
  readonly word?: ByteString;
  /** The option it belongs to, as spelt there: `--write-allow`. */
  readonly option?: string;
  /** What is wrong with it, to be read after the word. */
  readonly problem: string;
  /** What is expected instead. */
  readonly hint?: string | undefined;
  readonly origin?: Origin;
}

/** The message is safe to print: words in it are escaped. Exit code 125. */
export class UsageError extends Error {
  readonly word: ByteString | undefined;
  readonly option: string | undefined;
  readonly problem: string;
  readonly expected: string | undefined;
  readonly origin: Origin;

  constructor({ word, option, problem, hint, origin = { kind: 'command-line' } }: UsageErrorDetails) {
    const place = origin.kind === 'config-file' ? `${escapeBytes(origin.file)}:${origin.line}: ` : '';
    const quoted = word === undefined ? undefined : `"${printable(word)}"`;
    const subject = [option, quoted].filter((part) => part !== undefined).join(': ');
    super(`${place}${subject}${subject && ' '}${problem}${hint === undefined ? '' : `: ${hint}`}`);
    this.name = 'UsageError';
    this.word = word;
    this.option = option;
    this.problem = problem;
    this.expected = hint;
    this.origin = origin;
  }
}

/** Runs a reader of values; what it finds wrong becomes a usage error that names the word. Other errors pass. */
export function naming<Value>(
  details: Omit<UsageErrorDetails, 'problem' | 'hint'>,
  read: () => Value,
): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const place = error.place && escapeBytes(error.place);
    const hint = [place, error.hint].filter((part) => part !== undefined).join(', ');
    throw new UsageError({ ...details, problem: error.problem, hint: hint === '' ? undefined : hint });
  }
}
