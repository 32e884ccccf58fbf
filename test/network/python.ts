/**
 * Probes in Python: its socket module makes the calls that are asked for, and ctypes those that it would not make.
 */
import assert from 'node:assert/strict';

import { type Outcome, run, type RunOptions, secfiltWords } from '../support/run.ts';

const PYTHON = 'python3';

export interface PythonOptions extends RunOptions {
  /** Options of secfilt; without them the script runs natively. */
  readonly sandbox?: readonly string[] | undefined;
  /** Words before everything: `ip netns exec …`. */
  readonly prefix?: readonly string[];
}

/** Words that run a script, plain or sandboxed. */
export function pythonWords(script: string, words: readonly string[], options: PythonOptions): string[] {
  const command = [PYTHON, '-c', script, ...words];
  const sandboxed =
    options.sandbox === undefined ? command : secfiltWords([...options.sandbox, '--', ...command]);
  return [...(options.prefix ?? []), ...sandboxed];
}

export function python(
  script: string,
  words: readonly string[],
  options: PythonOptions = {},
): Promise<Outcome> {
  return run(pythonWords(script, words, options), options);
}

/** Runs a script that prints one JSON value, and returns the value. */
export async function pythonValue(
  script: string,
  words: readonly string[],
  options: PythonOptions = {},
): Promise<unknown> {
  const outcome = await python(script, words, options);
  assert.equal(outcome.code, 0, JSON.stringify(outcome));
  return JSON.parse(outcome.stdout) as unknown;
}

/** The same for an object of results by name. */
export async function pythonResults(
  script: string,
  words: readonly string[],
  options: PythonOptions = {},
): Promise<Record<string, unknown>> {
  const value = await pythonValue(script, words, options);
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  return Object.fromEntries(Object.entries(value));
}
