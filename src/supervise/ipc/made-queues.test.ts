import assert from 'node:assert/strict';
import { test } from 'node:test';
import { O_CREAT, O_EXCL } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { openQueue, removeQueue } from '../../linux/message-queue.ts';
import { MadeQueues } from './made-queues.ts';

void test('a name is the sandbox’s own as long as its queue has it', (t) => {
  const name = `secfilter-test-${process.pid}`;
  const bytes = Buffer.from(`${name}\0`);
  const make = (): number => openQueue(bytes, O_CREAT | O_EXCL, 0o600, 0);
  const first = make();
  if (first < 0) return t.skip(`no queues here: error ${-first}`);
  t.after(() => removeQueue(bytes));
  const queues = new MadeQueues();
  assert.ok(!queues.has(name));
  queues.add(name, first);
  close(first);
  assert.ok(queues.has(name) && !new MadeQueues().has(name));
  removeQueue(bytes);
  const second = make();
  assert.ok(second >= 0 && !queues.has(name), 'another has the name');
  queues.add(name, second);
  assert.ok(queues.has(name));
  queues.release();
  assert.ok(!queues.has(name));
  close(second);
});
