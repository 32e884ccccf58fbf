import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { Credentials, threadCredentials } from './credentials.ts';
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

const ids = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(0xffff_fffe)));
const mask = fc.bigInt(0n, 2n ** 41n - 1n);

test('what is taken on is what the status says of ids, groups and effective capabilities, and nothing else', () => {
  fc.assert(
    fc.property(
      ids,
      ids,
      fc.array(fc.nat(0xffff_fffe)),
      fc.array(mask, { minLength: 4, maxLength: 4 }),
      (users, groups, list, sets) => {
        const hex = sets.map((set) => set.toString(16).padStart(16, '0'));
        const text = [
          `Uid:\t${users.join('\t')}`,
          `Gid:\t${groups.join('\t')}`,
          `Groups:\t${list.join(' ')} `,
          ...['Inh', 'Prm', 'Eff', 'Amb'].map((set, index) => `Cap${set}:\t${hex[index]}`),
          'Seccomp_filters:\t2',
        ].join('\n');
        const supplementary = Uint32Array.from(list);
        assert.deepEqual(threadCredentials(text), { users, groups, supplementary, capabilities: sets[2] });
        for (const line of ['Uid', 'Gid', 'Groups', 'CapEff'])
          assert.equal(threadCredentials(text.replace(new RegExp(`^${line}:.*$`, 'm'), '')), undefined);
      },
    ),
  );
});

test('a status that was cut, or names no number, is nobody’s', () => {
  const { credentials } = own();
  assert.ok(threadCredentials(credentials));
  for (const line of ['Uid:\t0\t0\t0', 'Uid:\t-1\t0\t0\t0', 'Uid:\t0\t0\t0\t0\t0', 'Uid: 0 0 0 0'])
    assert.equal(threadCredentials(credentials.replace(/^Uid:.*$/m, line)), undefined);
  for (const line of ['Groups:\t1 2', 'Groups:\t1  2 ', 'Groups:\tx ', 'Groups:'])
    assert.equal(threadCredentials(credentials.replace(/^Groups:.*$/m, line)), undefined);
});

test('the credentials that were taken on count as ours, those of others and further filters do not', () => {
  const others = { ...own(), credentials: own().credentials.replace(/^Uid:.*$/m, 'Uid:\t1\t2\t3\t4') };
  const taken = new Credentials(own().credentials).takenOnFrom(others);
  assert.equal(taken.areIn(others), true);
  assert.equal(taken.areOurs(process.pid), false);
  assert.equal(taken.areOurs(NOBODY), false);
  const filtered = { ...others, credentials: others.credentials.replace(/(?<=^Seccomp_filters:\t)/m, '1') };
  assert.equal(new Credentials(own().credentials).takenOnFrom(filtered).areIn(filtered), false);
});
