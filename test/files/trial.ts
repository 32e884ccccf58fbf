/**
 * Every call that changes files, made once in each way of naming a file, each in a fixture of its own.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import type { StepResult } from '../probes/protocol.ts';
import type { Backing } from '../support/backing.ts';
import { isRoot } from '../support/environment.ts';
import { Errno } from '../support/numbers.ts';
import { rawCalls, resultOf } from '../support/probe.ts';
import { snapshot, strictSnapshot } from '../support/snapshot.ts';

import { type Case, cases } from './calls.ts';
import { expand, type Form, formsOf } from './expand.ts';
import { makeFixture } from './fixture.ts';

export interface Entry {
  readonly label: string;
  readonly entry: Case;
  readonly form: Form;
  /** The fixture's folder below whatever root is tried. */
  readonly folder: string;
}

export interface Trial {
  readonly results: ReadonlyMap<string, StepResult>;
  readonly root: string;
  readonly strictBefore: ReadonlyMap<string, string[]>;
  readonly before: ReadonlyMap<string, string[]>;
}

const entries: readonly Entry[] = cases.flatMap((entry, number) =>
  formsOf(entry).map((form, index) => ({
    label: `${entry.name}, ${form}`,
    entry,
    form,
    folder: `${number}.${index}`,
  })),
);

/** Each call in the first of its forms alone: where the other forms have shown elsewhere that they are the same. */
export const firstForms = entries.filter(({ folder }) => folder.endsWith('.0'));

/** Makes all the calls, each in a fixture of its own below `root`. */
export async function attempt(
  root: string,
  sandbox?: readonly string[],
  backing?: Backing,
  chosen: readonly Entry[] = entries,
): Promise<Trial> {
  mkdirSync(root, { recursive: true });
  const strictBefore = new Map<string, string[]>();
  const plainBefore = new Map<string, string[]>();
  for (const { folder, label } of chosen) {
    makeFixture(join(root, folder));
    strictBefore.set(label, strictSnapshot(join(root, folder)));
    plainBefore.set(label, snapshot(join(root, folder)));
  }
  const steps = chosen.flatMap(({ entry, form, folder, label }) =>
    expand(entry, form, join(root, folder), label),
  );
  const results = await rawCalls(steps, {
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(backing === undefined ? {} : { env: backing.env }),
  });
  return { results, root, strictBefore, before: plainBefore };
}

/** Why this machine cannot try a call, or undefined. A call that fails natively for another reason is a bad test. */
function unsupported(native: Trial, { label, entry, folder }: Entry): string | undefined {
  const { result, errno } = resultOf(native.results, label);
  if (errno === Errno.ENOSYS) return 'this kernel does not have the call';
  if (errno === Errno.EOPNOTSUPP || errno === Errno.ENOTTY) return 'this file system does not support it';
  if (entry.mayNeedPrivilege === true && !isRoot && errno === Errno.ENOENT)
    return 'this kernel allows it to the privileged only';
  assert.ok(result >= 0, `${label} fails natively with errno ${errno}`);
  if (entry.traceless !== true) {
    const after = strictSnapshot(join(native.root, folder));
    assert.notDeepEqual(after, native.strictBefore.get(label), `${label} has no effect natively`);
  }
  return undefined;
}

export async function eachCase(
  t: TestContext,
  native: Trial,
  check: (entry: Entry, folder: string) => void,
  chosen: readonly Entry[] = entries,
): Promise<void> {
  for (const entry of cases) {
    await t.test(entry.name, (subtest) => {
      for (const form of chosen.filter((candidate) => candidate.entry === entry)) {
        const reason = unsupported(native, form);
        if (reason === undefined) check(form, form.folder);
        else subtest.skip(reason);
      }
    });
  }
}
