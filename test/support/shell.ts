/**
 * Bash scripts under secfilt: most of what people will run.
 */
import type { Backing } from './backing.ts';
import { type Outcome, type RunOptions, secfilt } from './run.ts';

export interface ShellOptions extends RunOptions {
  readonly allow?: readonly string[];
  /** More options. */
  readonly policy?: readonly string[];
  readonly backing: Backing;
}

/** Runs a script by `bash -c`; its arguments are $1 and so on. Of refusals secfilt says nothing. */
export function shell(script: string, words: readonly string[], options: ShellOptions): Promise<Outcome> {
  const { allow = [], policy = [], backing, ...rest } = options;
  const files = ['--quiet', '--read-only', ...allow.map((path) => `--write-allow=${path}`)];
  return secfilt([...files, ...policy, '--', 'bash', '-c', script, 'bash', ...words], {
    ...rest,
    env: { ...backing.env, ...rest.env },
  });
}
