import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { action } from './arbitraries.ts';
import { allow, errno, kill, notify, trace } from './expression.ts';
import { decodeAction, encodeAction } from './return-value.ts';

test('the numbers are those of linux/seccomp.h', () => {
  assert.equal(encodeAction(allow), 0x7fff0000);
  assert.equal(encodeAction(notify), 0x7fc00000);
  assert.equal(encodeAction(kill), 0x80000000);
  assert.equal(encodeAction(errno(13)), 0x0005000d);
  assert.equal(encodeAction(trace(7)), 0x7ff00007);
});

test('decoding undoes encoding', () => {
  fc.assert(fc.property(action, (action) => assert.deepEqual(decodeAction(encodeAction(action)), action)));
});

test('the kernel cuts an error down to 4095', () => {
  assert.deepEqual(decodeAction(0x0005ffff), errno(4095));
});

test('what is no action of the language is refused', () => {
  // Kill thread, trap, log, and two that are none.
  for (const value of [0x00000000, 0x00030001, 0x7ffc0000, 0x00010000, 0xffff0000]) {
    assert.throws(() => decodeAction(value), RangeError);
  }
});
