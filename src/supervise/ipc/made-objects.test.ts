import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from '../../linux/libc.ts';
import { IPC_CREAT, IPC_PRIVATE, systemVGet } from '../../linux/system-v.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { MadeObjects } from './made-objects.ts';

const IPC_RMID = 0;

void test('what one sandbox made is not another’s, though the same process made it under the same id', (t) => {
  const id = systemVGet('shm', IPC_PRIVATE, 4096n, IPC_CREAT | 0o600);
  if (id < 0) return t.skip(`no shared memory here: error ${-id}`);
  t.after(() => syscall(X86_64.shmctl, id, IPC_RMID, 0, 0, 0, 0));
  const [one, other] = [new MadeObjects(), new MadeObjects()];
  one.add('shm', id);
  assert.ok(one.has('shm', id) && !other.has('shm', id));
  other.add('shm', id);
  assert.ok(!one.has('shm', id), 'the number came back');
  assert.ok(other.has('shm', id));
  one.forget('shm', id);
  assert.ok(other.has('shm', id), 'only its maker forgets it');
  other.release();
  assert.ok(!other.has('shm', id));
});
