/**
 * Every file test runs twice: with Landlock, and with the supervisor told to do without it.
 */
import { test, type TestContext } from 'node:test';

import type { RunOptions } from './run.ts';

export interface Backing {
  readonly name: string;
  readonly landlock: boolean;
  /** What the supervisor's environment needs for this backing. */
  readonly env: NonNullable<RunOptions['env']>;
}

export const backings: readonly Backing[] = [
  { name: 'with Landlock', landlock: true, env: {} },
  { name: 'without Landlock', landlock: false, env: { SECFILTER_LANDLOCK: '0' } },
];

export function forEachBacking(
  name: string,
  body: (t: TestContext, backing: Backing) => Promise<void> | void,
): void {
  for (const backing of backings) {
    void test(`${name}, ${backing.name}`, (t) => body(t, backing));
  }
}
