/**
 * A call whose meaning another thread changes while it is decided: whatever the call returns, nothing outside the allowed
 * tree changes, and what is allowed goes on working.
 */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { probeWords } from '../support/probe.ts';
import { type Outcome, run, secfilt } from '../support/run.ts';
import { dateBack, strictSnapshot } from '../support/snapshot.ts';
import { type Scope, temporaryDirectory } from '../support/temporary.ts';

/** How long each race runs; longer ones find rarer holes. */
const MILLISECONDS = process.env['SECFILTER_TEST_RACE_MS'] ?? '1000';

/** Races whose prize is worth the time; natively each of them changes the forbidden tree. */
const kinds = [
  'open',
  'open-read-truncate',
  'open-neither-truncate',
  'truncate',
  'create',
  'openat2',
  'openat2-truncate',
  'chmod',
  'utime',
  'mkdir',
  'rename',
  'rename-target',
  'link-swap-open',
  'link-swap-chmod',
  'link-swap-mkdir',
  'descriptor-swap',
  'directory-swap',
] as const;

function makeGround(t: Scope): string {
  const root = temporaryDirectory(t);
  for (const folder of ['a', 'a/d', 'o']) {
    mkdirSync(join(root, folder));
    writeFileSync(join(root, folder, 'f'), 'kept\n', { mode: 0o644 });
  }
  symlinkSync('../o', join(root, 'a/l'));
  dateBack(root);
  return root;
}

interface Count {
  readonly succeeded: number;
  readonly errors: Readonly<Record<string, number>>;
}

function read(outcome: Outcome): Count {
  assert.equal(outcome.code, 0, JSON.stringify(outcome));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the probe that wrote it is type-checked
  return JSON.parse(outcome.stdout) as Count;
}

for (const kind of kinds) {
  void test(`race ${kind} can be won natively (${who})`, async (t) => {
    const root = makeGround(t);
    const before = strictSnapshot(join(root, 'o'));
    read(await run(probeWords('race', kind, root, '300')));
    assert.notDeepEqual(strictSnapshot(join(root, 'o')), before);
  });

  forEachBacking(`race ${kind} changes nothing outside (${who})`, async (t, backing) => {
    const root = makeGround(t);
    const before = strictSnapshot(join(root, 'o'));
    const words = probeWords('race', kind, root, MILLISECONDS, 'both');
    const count = read(
      await secfilt([`--write-allow=${join(root, 'a')}`, '--', ...words], { env: backing.env }),
    );
    assert.deepEqual(strictSnapshot(join(root, 'o')), before);
    t.diagnostic(`${count.succeeded} calls succeeded, errors: ${JSON.stringify(count.errors)}`);
    assert.ok(count.succeeded > 0, 'the allowed side of the race must work');
    assert.ok((count.errors['1'] ?? 0) > 0, 'the forbidden side of the race must have been tried');
  });
}
