import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { X86_64 } from '../linux/syscalls.ts';
import { emptyPathNeedsCapability, isMissing, mayBeMissing } from './older-kernels.ts';

/** No kernel has a call of this number. */
const NO_CALL = 4000;

void test('a call that no kernel has is missing, one that the supervisor needs is not', () => {
  assert.equal(isMissing(NO_CALL), true);
  assert.equal(isMissing(NO_CALL), true, 'the second time');
  assert.equal(isMissing(X86_64.fchmodat), false);
});

void test('calls that the supervisor cannot do without are not asked for', () => {
  assert.equal(mayBeMissing(X86_64.openat2), false);
  for (const name of ['fchmodat2', 'setxattrat', 'removexattrat', 'file_setattr'] as const)
    assert.equal(mayBeMissing(X86_64[name]), true, name);
});

void test('nothing comes of the questions', () => {
  const before = statSync('.', { bigint: true });
  for (const name of ['fchmodat2', 'setxattrat', 'removexattrat', 'file_setattr'] as const)
    isMissing(X86_64[name]);
  const first = emptyPathNeedsCapability();
  assert.equal(emptyPathNeedsCapability(), first);
  const after = statSync('.', { bigint: true });
  assert.deepEqual([after.mode, after.mtimeNs], [before.mode, before.mtimeNs]);
});
