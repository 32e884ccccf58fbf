import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePorts } from './ports.ts';
import { ValueError } from './value-error.ts';

void test('parsePorts() reads a port or a range', () => {
  assert.deepEqual(parsePorts('443'), [443]);
  assert.deepEqual(parsePorts('1'), [1]);
  assert.deepEqual(parsePorts('65535'), [65535]);
  assert.deepEqual(parsePorts('8000-8003'), [8000, 8001, 8002, 8003]);
  assert.deepEqual(parsePorts('80-80'), [80]);
  assert.equal(parsePorts('1-65535').length, 65535);
});

void test('parsePorts() refuses all else and says what is wrong', () => {
  const rows: [string, RegExp][] = [
    ['0', /out of range: ports are 1 to 65535/],
    ['65536', /out of range/],
    ['99999', /out of range/],
    ['100000', /not a port/],
    ['080', /leading zeros: did you mean 80\?/],
    ['00', /out of range/],
    ['', /not a port/],
    ['-1', /not a port/],
    ['+80', /not a port/],
    ['80-', /not a port/],
    ['90-80', /ends before it starts: did you mean 80-90\?/],
    ['0-80', /out of range/],
    ['1-2-3', /not a port/],
    ['https', /not a port: expected a number/],
    ['0x50', /not a port/],
    ['8e1', /not a port/],
    [' 80', /not a port/],
    ['80\n', /not a port/],
    ['٨٠', /not a port/],
  ];
  for (const [word, message] of rows) {
    assert.throws(
      () => parsePorts(word),
      (error) => error instanceof ValueError && message.test(error.message),
      word,
    );
  }
});
