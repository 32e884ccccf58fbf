/**
 * Runs system calls by number in a process of their own, plain or sandboxed.
 */
import { join } from 'node:path';

import type { Step, StepResult } from '../probes/protocol.ts';

import { probesFolder } from './environment.ts';
import { run, type RunOptions, secfiltWords } from './run.ts';

export interface ProbeOptions {
  /** Options of secfilt; without them the probe runs natively. */
  readonly sandbox?: readonly string[];
  readonly env?: RunOptions['env'];
  readonly cwd?: string;
}

export function probeWords(name: string, ...args: string[]): string[] {
  return [process.execPath, join(probesFolder, `${name}.js`), ...args];
}

/** The results of the steps, each under its label. */
export async function rawCalls(
  steps: readonly Step[],
  options: ProbeOptions = {},
): Promise<Map<string, StepResult>> {
  const words = probeWords('raw-call');
  const outcome = await run(
    options.sandbox === undefined ? words : secfiltWords([...options.sandbox, '--', ...words]),
    {
      stdin: JSON.stringify(steps),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  if (outcome.code !== 0 || outcome.stdout === '') {
    throw new Error(`the raw-call probe failed: ${JSON.stringify(outcome)}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the probe that wrote it is type-checked
  const results = JSON.parse(outcome.stdout) as StepResult[];
  return new Map(results.map((result) => [result.label, result]));
}

export function resultOf(results: ReadonlyMap<string, StepResult>, label: string): StepResult {
  const result = results.get(label);
  if (result === undefined) throw new Error(`no result for ${label}`);
  return result;
}
