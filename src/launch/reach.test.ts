import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Errno } from '../linux/errno.ts';
import { close, write } from '../linux/libc.ts';
import { receiveRecord } from '../linux/unix-listener.ts';
import { Reach } from './handover.ts';
import { connectedPair } from './launch.ts';
import { Kind, RECORD_SIZE } from './protocol.ts';

void test('an answer that comes too late is not taken for that about the next process', () => {
  const [near, far] = connectedPair();
  const reach = new Reach(near);
  const answer = (value: number): void => {
    const record = Buffer.alloc(RECORD_SIZE);
    record.writeUInt32LE(Kind.reach, 0);
    record.writeInt32LE(value, 4);
    assert.equal(write(far, record, record.length), record.length);
  };
  assert.equal(reach.has(100), false);
  answer(0);
  answer(-Errno.EPERM);
  assert.equal(reach.has(200), false);
  answer(0);
  assert.equal(reach.has(100), true);
  answer(0);
  reach.end();
  assert.equal(reach.has(100), false);
  close(far);
  close(near);
});

void test('a watchdog that owes an answer is asked nothing more until that has come', () => {
  const [near, far] = connectedPair();
  const reach = new Reach(near);
  for (const pid of [100, 200, 300]) assert.equal(reach.has(pid), false);
  const question = receiveRecord(far, 8);
  assert.ok(Buffer.isBuffer(question));
  assert.equal(question.readInt32LE(0), 100);
  assert.equal(receiveRecord(far, 8), -Errno.EAGAIN);
  close(far);
  close(near);
});
