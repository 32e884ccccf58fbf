/**
 * Every call that changes files, in places that are denied within an allowed tree: refused with nothing changed there, and with
 * the very effect that it has natively beside them.
 */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { Errno } from '../support/numbers.ts';
import { resultOf } from '../support/probe.ts';
import { snapshot, strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

import { attempt, eachCase, firstForms, type Trial } from './trial.ts';

interface Way {
  readonly title: string;
  readonly policy: (root: string) => readonly string[];
  /** Below the root: where changes are refused, and where they are allowed. */
  readonly denied: string;
  readonly allowed: string;
}

const ways: readonly Way[] = [
  {
    title: 'a path, through a link',
    policy: (root) => {
      symlinkSync('o', join(root, 'link'));
      return [`--write-allow=${root}`, `--write-deny=${root}/link`];
    },
    denied: 'o',
    allowed: 'i',
  },
  {
    title: 'a pattern of a set in a config file, where nothing else is restricted',
    policy: (root) => {
      writeFileSync(join(root, 'config'), 'set.mine=**/o\nwrite-deny=@mine\n', { mode: 0o600 });
      return [`--config=${root}/config`];
    },
    denied: 'a/o/b',
    allowed: 'a/i',
  },
  {
    title: 'a path in what is allowed again in a denied one',
    policy: (root) => [`--write-allow=${root},${root}/o/a`, `--write-deny=${root}/o,${root}/o/a/o`],
    denied: 'o/a/o',
    allowed: 'o/a/i',
  },
];

const nativeRoot = temporaryDirectory({ after });
let native: Trial | undefined;

before(async () => {
  native = await attempt(join(nativeRoot, 'native'), undefined, undefined, firstForms);
});

function nativeTrial(): Trial {
  assert.ok(native);
  return native;
}

for (const { title, policy, denied, allowed } of ways) {
  forEachBacking(`writing calls at what is denied by ${title} are refused (${who})`, async (t, backing) => {
    const root = temporaryDirectory(t);
    mkdirSync(join(root, denied), { recursive: true });
    const trial = await attempt(join(root, denied), policy(root), backing, firstForms);
    await eachCase(
      t,
      nativeTrial(),
      ({ label }, folder) => {
        const { result, errno } = resultOf(trial.results, label);
        assert.deepEqual({ label, result, errno }, { label, result: -1, errno: Errno.EPERM });
        assert.deepEqual(strictSnapshot(join(trial.root, folder)), trial.strictBefore.get(label), label);
      },
      firstForms,
    );
  });

  forEachBacking(`writing calls beside what is denied by ${title} work (${who})`, async (t, backing) => {
    const root = temporaryDirectory(t);
    for (const folder of [denied, allowed]) mkdirSync(join(root, folder), { recursive: true });
    const trial = await attempt(join(root, allowed), policy(root), backing, firstForms);
    await eachCase(
      t,
      nativeTrial(),
      ({ label }, folder) => {
        const { result, errno } = resultOf(trial.results, label);
        assert.ok(result >= 0, `${label}: errno ${errno}`);
        assert.deepEqual(
          snapshot(join(trial.root, folder)),
          snapshot(join(nativeTrial().root, folder)),
          `${label} has another effect than natively`,
        );
      },
      firstForms,
    );
  });
}
