import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { callSeed, callsFor, filter, filterWithCalls } from './arbitraries.ts';
import { BPF_JMP, JUMP, JUMP_EQUAL, JUMP_SET, LOAD, classOf } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { compile, encode } from './compile.ts';
import { allow, and, errno, int, kill, long, notify, or, pointer, trace, when } from './expression.ts';
import type { Expression } from './expression.ts';
import { evaluate } from './filter.ts';
import type { Filter } from './filter.ts';
import { interpret } from './interpret.ts';
import {
  ARCHITECTURE,
  AUDIT_ARCH_AARCH64,
  AUDIT_ARCH_I386,
  AUDIT_ARCH_X86_64,
  NUMBER,
} from './seccomp-data.ts';
import { isConstantAllow } from './verify.ts';

const DEFAULTS = {
  architecture: AUDIT_ARCH_X86_64,
  unknown: errno(38),
  foreignArchitecture: kill,
  x32: kill,
} as const;

function filterOf(calls: Iterable<[number, Expression]>): Filter {
  return { ...DEFAULTS, calls: new Map(calls) };
}

/** How many comparisons a call goes through that the number alone decides. */
function comparisons(instructions: readonly Instruction[], architecture: number, number: number): number {
  let count = 0;
  let accumulator = 0;
  for (let index = 0; ; index += 1) {
    const { code = 0, jt = 0, jf = 0, k = 0 } = instructions[index] ?? {};
    if (code === LOAD) accumulator = k === NUMBER ? number : architecture;
    else if (code === JUMP) index += k;
    else if (classOf(code) !== BPF_JMP) return count;
    else {
      count += 1;
      if (code === JUMP_SET) index += (accumulator & k) === 0 ? jf : jt;
      else index += (code === JUMP_EQUAL ? accumulator === k : accumulator >= k) ? jt : jf;
    }
  }
}

function assertSameMeaning(filter: Filter, seedCount: number, seed = 1): void {
  const instructions = compile(filter);
  const seeds = fc.sample(callSeed(), { numRuns: seedCount, seed });
  for (const call of callsFor(filter, seeds)) {
    assert.deepEqual(interpret(instructions, call), evaluate(filter, call), `call ${call.number}`);
  }
}

test('a program gives every call the action of its filter', () => {
  fc.assert(
    fc.property(filterWithCalls, ({ filter, calls }) => {
      const instructions = compile(filter);
      for (const call of calls) {
        assert.deepEqual(interpret(instructions, call), evaluate(filter, call));
      }
    }),
    { numRuns: 500 },
  );
});

test('exactly the numbers that are allowed whatever the arguments stay in the bitmap of the kernel', () => {
  fc.assert(
    fc.property(filter, (filter) => {
      const instructions = compile(filter);
      const isConstant = (architecture: number, number: number): boolean =>
        isConstantAllow(instructions, architecture, number);
      for (const [number, expression] of filter.calls) {
        if (expression.kind === 'if') continue;
        assert.equal(isConstant(filter.architecture, number), expression.kind === 'allow');
      }
      const unknown = 0x3ffffffe;
      if (!filter.calls.has(unknown)) {
        assert.equal(isConstant(filter.architecture, unknown), filter.unknown.kind === 'allow');
      }
      assert.equal(isConstant(AUDIT_ARCH_I386, 1), filter.foreignArchitecture.kind === 'allow');
      if (filter.architecture === AUDIT_ARCH_X86_64) {
        assert.equal(isConstant(AUDIT_ARCH_X86_64, 0x40000001), filter.x32.kind === 'allow');
      }
    }),
  );
});

test('a condition with a known outcome keeps a number in the bitmap', () => {
  const instructions = compile(
    filterOf([
      [0, when(and(), allow, kill)],
      [1, when(or(), kill, allow)],
      [2, when(int(0).equals(1), allow, allow)],
      [3, when(int(0).atMost(-1), allow, kill)],
      [4, when(long(0).masked(0n, 0n), allow, kill)],
      [5, when(long(0).hasAny(0n), kill, allow)],
      [6, when(int(0).in([]), kill, allow)],
      [7, when(int(0).equals(1), allow, kill)],
    ]),
  );
  const constant = [0, 1, 2, 3, 4, 5, 6, 7].filter((number) =>
    isConstantAllow(instructions, AUDIT_ARCH_X86_64, number),
  );
  assert.deepEqual(constant, [0, 1, 2, 3, 4, 5, 6]);
});

test('architecture comes first, then the x32 bit, then the number, then arguments', () => {
  const instructions = compile(filterOf([[1, when(int(0).equals(1), allow, kill)]]));
  const loads = instructions.filter(({ code }) => code === LOAD).map(({ k }) => k);
  assert.deepEqual(loads, [ARCHITECTURE, NUMBER, 16]);
  assert.equal(instructions[0]?.k, ARCHITECTURE);
  assert.equal(instructions[2]?.k, NUMBER);
  assert.equal(instructions[3]?.code, JUMP_SET);
});

test('arm64 has no x32 bit', () => {
  const filter = { ...filterOf([[0x40000001, allow]]), architecture: AUDIT_ARCH_AARCH64 };
  assert.ok(compile(filter).every(({ code }) => code !== JUMP_SET));
  assertSameMeaning(filter, 100);
});

test('numbers with equal outcomes are one range', () => {
  const allowed = Array.from({ length: 300 }, (_, number): [number, Expression] => [number, allow]);
  // arch, x32 and number: two instructions each at most, and three returns.
  assert.equal(compile(filterOf(allowed)).length, 8);
});

test('what calls have in common is in the program once', () => {
  const branch = when(pointer(2).atMost(0x7fff_ffff_ffffn), notify, errno(1));
  const equalBranch = when(pointer(2).atMost(0x7fff_ffff_ffffn), notify, errno(1));
  const one = compile(filterOf([[1, branch]])).length;
  const two = compile(
    filterOf([
      [1, branch],
      [3, equalBranch],
    ]),
  ).length;
  assert.equal(two - one, 1);
});

test('a row of conditions on one argument loads it once', () => {
  const byRequest = [0x5401, 0x5413, 0x541b, 0x8927].reduceRight<Expression>(
    (rest, request, index) => when(int(1).equals(request), trace(index), rest),
    errno(25),
  );
  const loads = compile(filterOf([[16, byRequest]])).filter(({ code, k }) => code === LOAD && k >= 16);
  assert.equal(loads.length, 1);
});

test('450 numbers with conditions of their own', () => {
  const filter = filterOf(
    Array.from({ length: 450 }, (_, number) => [
      number,
      when(long(number % 6).equals(BigInt(number + 1) << 31n), trace(number), errno(number % 40)),
    ]),
  );
  const instructions = compile(filter);
  assert.ok(instructions.some(({ code }) => code === JUMP));
  assertSameMeaning(filter, 1200);
});

test('a search through 450 numbers takes a dozen comparisons', () => {
  const instructions = compile(filterOf(Array.from({ length: 450 }, (_, number) => [number, trace(number)])));
  for (let number = 0; number < 450; number += 1) {
    const count = comparisons(instructions, AUDIT_ARCH_X86_64, number);
    assert.ok(count <= 12, `${count} comparisons for ${number}`);
  }
});

test('many values in one condition', () => {
  const values = Array.from({ length: 700 }, (_, index) => index * index * 7919);
  const longValues = values.map((value) => BigInt(value) * 0x1_0000_0001n);
  const filter = filterOf([
    [1, when(int(1).in(values), allow, kill)],
    [2, when(long(1).in(longValues.slice(0, 200)), allow, kill)],
    [3, when(int(1).in(Array.from({ length: 1000 }, (_, index) => 500 + index)), allow, kill)],
  ]);
  assertSameMeaning(filter, 1200);
  assert.ok(compile(filterOf([[1, when(int(1).in(values), allow, kill)]])).length < 1.5 * values.length);
});

test('a filter beyond 4096 instructions is refused with their number', () => {
  const odd = Array.from({ length: 3300 }, (_, index) => 2 * index + 1);
  const filters = [3000, 3300].map((count) =>
    filterOf([[1, when(int(0).in(odd.slice(0, count)), allow, kill)]]),
  );
  const [fits, tooLarge] = filters.map((filter) => () => compile(filter).length);
  assert.ok(fits !== undefined && fits() > 3800);
  assert.ok(tooLarge !== undefined);
  assert.throws(tooLarge, /RangeError: the filter needs 4[1-4]\d\d instructions.*4096/);
});

test('a switch of thousands of branches overflows no stack', () => {
  let rest: Expression = kill;
  for (let value = 0; value < 20_000; value += 1) rest = when(int(0).equals(value), trace(value), rest);
  assert.throws(() => compile(filterOf([[1, rest]])), /the filter needs 4\d{4} instructions/);
});

test('an expression that is shared a million million times is walked once', () => {
  let expression: Expression = when(int(0).equals(0), trace(0), kill);
  for (let value = 1; value <= 40; value += 1) {
    const half = when(int(1).hasAny(value), expression, trace(value));
    expression = when(int(0).equals(value), half, expression);
  }
  assert.ok(compile(filterOf([[1, expression]])).length < 300);
});

test('a call number that is none, or that only x32 decides, is refused', () => {
  for (const number of [-1, 1.5, 2 ** 32, NaN, 0x40000000, 0xffffffff]) {
    assert.throws(() => compile(filterOf([[number, allow]])), RangeError, String(number));
  }
});

test('an action whose data does not fit is refused', () => {
  assert.throws(() => compile(filterOf([[1, { kind: 'errno', errno: 4096 }]])), RangeError);
  assert.throws(() => compile(filterOf([[1, { kind: 'trace', data: 65536 }]])), RangeError);
});

test('encoding is that of struct sock_filter', () => {
  const bytes = encode([
    { code: 0x15, jt: 1, jf: 255, k: 0xc000003e },
    { code: 0x06, jt: 0, jf: 0, k: 0x7fff0000 },
  ]);
  assert.equal(bytes.toString('hex'), '150001ff3e0000c0060000000000ff7f');
});
