import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnNames } from './own-names.ts';

const at = (text: string): Buffer => Buffer.from(text, 'latin1');

void test('what is made in a temporary directory is one’s own, what lies in it too, and nothing else', () => {
  const own = new OwnNames();
  assert.ok(!own.changed(at('/tmp/a')), 'it was there before');
  assert.ok(own.made(at('/tmp/a')));
  assert.ok(own.changed(at('/tmp/a')) && own.changed(at('/tmp/a/b/c')) && own.made(at('/tmp/a/b')));
  assert.ok(!own.changed(at('/tmp/ab')) && !own.changed(at('/tmp')));
  assert.ok(!own.made(at('/tmp/theirs/x')) && !own.made(at('/home/x')) && !own.made(at('/tmp')));
  assert.equal(own.count, 4);
  assert.ok(own.removed(at('/tmp/a')) && !own.changed(at('/tmp/a')), 'by now it may be another');
});

void test('shared memory is one’s own without an option', () => {
  const own = new OwnNames();
  assert.ok(own.made(at('/dev/shm/sem.x')) && own.removed(at('/dev/shm/sem.x')));
  assert.equal(own.count, 0);
});
