import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allow, and, errno, int, kill, long, not, notify, or, trace, when } from './expression.ts';
import type { Condition } from './expression.ts';
import { evaluate } from './filter.ts';
import type { Filter } from './filter.ts';
import { AUDIT_ARCH_AARCH64, AUDIT_ARCH_I386, AUDIT_ARCH_X86_64 } from './seccomp-data.ts';

const FILTER: Filter = {
  architecture: AUDIT_ARCH_X86_64,
  calls: new Map([
    [0, allow],
    [16, when(int(1).equals(0x5412), errno(1), allow)],
  ]),
  unknown: errno(38),
  foreignArchitecture: kill,
  x32: notify,
};

function callOf(number: number, first = 0n, second = 0n, architecture = AUDIT_ARCH_X86_64) {
  return { architecture, number, args: [first, second, 0n, 0n, 0n, 0n] } as const;
}

test('architecture, x32 bit and number are decided in this order', () => {
  assert.deepEqual(evaluate(FILTER, callOf(0)), allow);
  assert.deepEqual(evaluate(FILTER, callOf(1)), errno(38));
  assert.deepEqual(evaluate(FILTER, callOf(0x40000000)), notify);
  assert.deepEqual(evaluate(FILTER, callOf(0xffffffff)), notify);
  assert.deepEqual(evaluate(FILTER, callOf(0x80000000)), errno(38));
  assert.deepEqual(evaluate(FILTER, callOf(0, 0n, 0n, AUDIT_ARCH_I386)), kill);
  const arm = { ...FILTER, architecture: AUDIT_ARCH_AARCH64 };
  assert.deepEqual(evaluate(arm, callOf(0x40000000, 0n, 0n, AUDIT_ARCH_AARCH64)), errno(38));
});

test('the high half of an int argument does not matter (CVE-2019-10063)', () => {
  assert.deepEqual(evaluate(FILTER, callOf(16, 0n, 0x5412n)), errno(1));
  assert.deepEqual(evaluate(FILTER, callOf(16, 0n, 0x1_0000_5412n)), errno(1));
  assert.deepEqual(evaluate(FILTER, callOf(16, 0n, 0x5413n)), allow);
});

test('each comparison', () => {
  const cases: [name: string, condition: Condition, holds: bigint[], fails: bigint[]][] = [
    ['int equals', int(0).equals(-1), [-1n, 0xffffffffn, 0x1_ffff_ffffn], [0n, 0xfffffffen]],
    ['int in', int(0).in([1, 3]), [1n, 3n, 0x7_0000_0003n], [0n, 2n]],
    ['int in none', int(0).in([]), [], [0n]],
    ['int hasAny', int(0).hasAny(6), [2n, 4n, 7n], [1n, 8n, 0x6_0000_0000n]],
    ['int hasNone', int(0).hasNone(6), [1n, 8n, 0x6_0000_0000n], [2n, 4n, 7n]],
    ['int masked', int(0).masked(3, 2), [2n, 6n], [0n, 1n, 3n]],
    ['int atMost', int(0).atMost(5), [0n, 5n, 0x9_0000_0005n], [6n, -1n]],
    ['long equals', long(0).equals(-1n), [-1n, 2n ** 64n - 1n], [0xffffffffn]],
    ['long in', long(0).in([1n, 1n << 32n]), [1n, 1n << 32n], [0n, (1n << 32n) + 1n]],
    ['long hasAny', long(0).hasAny(1n << 40n), [1n << 40n, -1n], [1n, 1n << 8n]],
    ['long masked', long(0).masked(3n << 31n, 1n << 32n), [1n << 32n], [3n << 31n, 1n << 31n, 0n]],
    ['long atMost', long(0).atMost(1n << 32n), [0n, 0xffffffffn, 1n << 32n], [(1n << 32n) + 1n, -1n]],
    ['and', and(int(0).hasAny(1), int(0).atMost(5)), [1n, 5n], [2n, 7n]],
    ['and of none', and(), [0n], []],
    ['or', or(int(0).equals(1), int(0).equals(2)), [1n, 2n], [3n]],
    ['or of none', or(), [], [0n]],
    ['not', not(int(0).equals(1)), [0n], [1n]],
  ];
  for (const [name, condition, holds, fails] of cases) {
    const filter = { ...FILTER, calls: new Map([[1, when(condition, trace(1), trace(2))]]) };
    for (const value of holds)
      assert.deepEqual(evaluate(filter, callOf(1, value)), trace(1), `${name} ${value}`);
    for (const value of fails)
      assert.deepEqual(evaluate(filter, callOf(1, value)), trace(2), `${name} ${value}`);
  }
});
