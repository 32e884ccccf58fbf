/**
 * Every call that changes files, by number and in every way of naming a file: refused outside the allowed tree with
 * nothing changed, and inside it with the very effect that it has natively.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { Errno } from '../support/numbers.ts';
import { resultOf } from '../support/probe.ts';
import { snapshot, strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

import { attempt, eachCase, type Trial } from './trial.ts';

const nativeRoot = temporaryDirectory({ after });
let native: Trial | undefined;

before(async () => {
  native = await attempt(join(nativeRoot, 'native'));
});

function nativeTrial(): Trial {
  assert.ok(native);
  return native;
}

forEachBacking(`writing calls outside the allowed tree are refused (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'allowed'));
  const trial = await attempt(join(root, 'o'), [`--write-allow=${join(root, 'allowed')}`], backing);
  await eachCase(t, nativeTrial(), ({ label }, folder) => {
    const { result, errno } = resultOf(trial.results, label);
    assert.deepEqual({ label, result, errno }, { label, result: -1, errno: Errno.EPERM });
    assert.deepEqual(strictSnapshot(join(trial.root, folder)), trial.strictBefore.get(label), label);
  });
});

forEachBacking(`writing calls inside the allowed tree work (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'i'));
  const trial = await attempt(join(root, 'i'), [`--write-allow=${join(root, 'i')}`], backing);
  await eachCase(t, nativeTrial(), ({ label, entry }, folder) => {
    const { result, errno } = resultOf(trial.results, label);
    assert.ok(result >= 0, `${label}: errno ${errno}`);
    assert.deepEqual(
      snapshot(join(trial.root, folder)),
      snapshot(join(nativeTrial().root, folder)),
      `${label} has another effect than natively`,
    );
    if (entry.traceless !== true) {
      assert.notDeepEqual(strictSnapshot(join(trial.root, folder)), trial.strictBefore.get(label), label);
    }
  });
});
