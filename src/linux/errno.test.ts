import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Errno, errnoMessage, errnoName, SyscallError } from './errno.ts';

test('every error number that the program names has its name and its sentence', () => {
  for (const [name, number] of Object.entries(Errno)) {
    // Linux has one number for both, and libuv the other name.
    assert.equal(errnoName(number), name === 'EOPNOTSUPP' ? 'ENOTSUP' : name);
    assert.doesNotMatch(errnoMessage(number), /\d/, name);
  }
});

test('S16 a call that failed is told by its name, the name of the error, and what to do', () => {
  const lost = new SyscallError('wait4', Errno.ECHILD, 'somebody else has waited');
  assert.equal(lost.message, 'wait4: no child processes (ECHILD); somebody else has waited');
  assert.match(new SyscallError('capset', Errno.EPERM).message, /^capset: .* \(EPERM\); .*--probe/);
  assert.equal(new SyscallError('read', 9999).message, 'read: unknown error 9999 (errno 9999)');
});
