/** What the tests of faults have in common: every engine with and without Landlock, waiting, and what a supervisor uses. */
import assert from 'node:assert/strict';
import { type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Backing, backings } from './backing.ts';
import { patience, who } from './environment.ts';
import { engines } from './escape.ts';
import { random } from './repeat.ts';

export function forEachWay(
  title: string,
  body: (t: TestContext, options: readonly string[], backing: Backing, next: () => number) => Promise<void>,
): void {
  for (const { name, options } of engines) {
    for (const backing of backings) {
      void test(`${title}, ${name} ${backing.name} (${who})`, { timeout: 3_600_000 }, (t) =>
        body(t, options, backing, random(17)),
      );
    }
  }
}

/** Waits until something holds; the test fails when that takes longer than the most it may. */
export async function until(what: string, holds: () => boolean, most = 20_000): Promise<void> {
  const end = Date.now() + patience(most);
  while (!holds()) {
    assert.ok(Date.now() < end, `in vain waited for ${what}`);
    await sleep(5);
  }
}

export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

/** What a process holds. */
export interface Usage {
  /** An undumpable process shows its descriptors to nobody but root. */
  readonly descriptors: number | undefined;
  /** Anonymous memory. */
  readonly kilobytes: number;
}

/**
 * Both while nobody asks anything of the supervisor; between them much was asked.
 * @param kept descriptors of threads that may have come to be kept meanwhile: 64 at most are (descriptor.ts)
 */
export function assertNoGrowth(first: Usage, last: Usage, kept: number): void {
  const both = JSON.stringify([first, last]);
  if (first.descriptors !== undefined)
    assert.ok((last.descriptors ?? Infinity) - first.descriptors <= kept + 6, both);
  // V8 may take some megabytes before it collects; a leak of each call would be more.
  assert.ok(last.kilobytes - first.kilobytes < 48 * 1024, both);
}

export function usage(pid: number): Usage {
  const kilobytes = Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  try {
    const names = readdirSync(`/proc/${pid}/fd`);
    return { descriptors: names.filter((name) => isOpen(pid, name)).length, kilobytes };
  } catch {
    return { descriptors: undefined, kilobytes };
  }
}

function isOpen(pid: number, name: string): boolean {
  try {
    return readlinkSync(join(`/proc/${pid}/fd`, name)) !== '';
  } catch {
    return existsSync(`/proc/${pid}`);
  }
}
