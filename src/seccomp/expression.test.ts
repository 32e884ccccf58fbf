import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errno, int, long, pointer, trace } from './expression.ts';

test('an int value may be signed or unsigned', () => {
  assert.deepEqual(int(0).equals(-100), int(0).equals(0xffffff9c));
  assert.deepEqual(int(0).in([-(2 ** 31)]), int(0).equals(0x80000000));
  assert.deepEqual(int(0).hasAny(-1), int(0).hasAny(0xffffffff));
  assert.deepEqual(int(0).masked(-1, -1), int(0).masked(0xffffffff, 0xffffffff));
});

test('a long value may be signed or unsigned', () => {
  assert.deepEqual(long(0).equals(-1n), long(0).equals(2n ** 64n - 1n));
  assert.deepEqual(long(0).atMost(-(2n ** 63n)), long(0).atMost(2n ** 63n));
  assert.deepEqual(pointer(3).equals(1n), long(3).equals(1n));
});

test('an int value that is none is refused by name', () => {
  for (const value of [2 ** 32, -(2 ** 31) - 1, 0.5, NaN, Infinity]) {
    const refusal = { name: 'RangeError', message: new RegExp(` value ${value} is `) };
    assert.throws(() => int(0).equals(value), refusal);
    assert.throws(() => int(0).in([1, value]), refusal);
    assert.throws(() => int(0).hasAny(value), refusal);
    assert.throws(() => int(0).hasNone(value), refusal);
    assert.throws(() => int(0).masked(value, 0), refusal);
    assert.throws(() => int(0).masked(0, value), refusal);
    assert.throws(() => int(0).atMost(value), refusal);
  }
});

test('a long value that is none is refused by name', () => {
  for (const value of [2n ** 64n, -(2n ** 63n) - 1n]) {
    const refusal = { name: 'RangeError', message: new RegExp(` value ${value} is `) };
    assert.throws(() => long(0).equals(value), refusal);
    assert.throws(() => long(0).in([1n, value]), refusal);
    assert.throws(() => long(0).hasAny(value), refusal);
    assert.throws(() => long(0).masked(value, 0n), refusal);
    assert.throws(() => long(0).atMost(value), refusal);
  }
});

test('a masked value outside its mask is refused', () => {
  assert.throws(() => int(0).masked(3, 4), /RangeError: masked value 4 has bits outside its mask 3/);
  assert.throws(() => int(0).masked(0xff, -1), RangeError);
  assert.throws(() => long(0).masked(0n, 1n), RangeError);
});

test('there are six arguments', () => {
  for (const index of [-1, 6, 0.5, NaN]) {
    assert.throws(() => int(index), RangeError);
    assert.throws(() => long(index), RangeError);
  }
});

test('the data of an action fits 12 and 16 bits', () => {
  assert.deepEqual(errno(4095), { kind: 'errno', errno: 4095 });
  assert.deepEqual(trace(65535), { kind: 'trace', data: 65535 });
  for (const data of [-1, 4096, 0.5, NaN]) assert.throws(() => errno(data), RangeError);
  for (const data of [-1, 65536, 0.5, NaN]) assert.throws(() => trace(data), RangeError);
});
