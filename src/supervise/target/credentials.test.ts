import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Credentials } from './credentials.ts';
import { targetStatus, type TargetStatus } from './target.ts';

/** No process has this number, so that reading its credentials fails. */
const NOBODY = 0x3fff_ffff;

function own(): TargetStatus {
  const status = targetStatus('self');
  assert.ok(typeof status !== 'number');
  return status;
}

test('credentials are read until one of the sandbox had ours, and again from the first change on', () => {
  const credentials = new Credentials(own().credentials);
  assert.equal(credentials.areOurs(NOBODY), false);
  assert.equal(credentials.areOurs(process.pid), true);
  assert.equal(credentials.areOurs(NOBODY), true);
  credentials.noteChange(false);
  assert.equal(credentials.areOurs(NOBODY), false);
  assert.equal(credentials.areOurs(process.pid), true);
  assert.equal(credentials.areOurs(NOBODY), false);
});

for (const line of ['Uid', 'Gid']) {
  for (const ids of ['0\t1\t1\t1', '1\t0\t1\t1', '1\t1\t0\t1', '1\t1\t1\t0', '11\t1\t1\t1', '1\t1\t1\t11']) {
    test(`credentials are always read where ids differ: ${line} ${ids.replaceAll('\t', ' ')}`, () => {
      const mixed = own().credentials.replace(new RegExp(`^${line}:.*$`, 'm'), `${line}:\t${ids}`);
      const credentials = new Credentials(mixed);
      assert.equal(credentials.areIn({ ...own(), credentials: mixed }), true);
      assert.equal(credentials.areOurs(NOBODY), false);
    });
  }
}

test('other credentials are never taken for ours', () => {
  const credentials = new Credentials(`${own().credentials}0`);
  assert.equal(credentials.areOurs(process.pid), false);
  assert.equal(credentials.areOurs(NOBODY), false);
});

test('rights are read from the first change of them on, and a filter takes none away', () => {
  const { credentials: ours } = own();
  const filtered = new Credentials(ours.replace(/(?<=^Seccomp_filters:\t)/m, '1'));
  filtered.noteChange(true);
  assert.equal(filtered.areOurs(process.pid), false);
  assert.equal(filtered.haveOurRights(process.pid), true);
  const others = new Credentials(ours.replace(/(?<=^Groups:\t)/m, '4711 '));
  others.noteChange(false);
  assert.equal(others.haveOurRights(NOBODY), true);
  others.noteChange(true);
  assert.equal(others.haveOurRights(process.pid), false);
  assert.equal(others.haveOurRights(NOBODY), false);
});
