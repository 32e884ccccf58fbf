import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instruction } from './bpf.ts';
import { allow, errno, kill } from './expression.ts';
import type { Call } from './filter.ts';
import { interpret, run } from './interpret.ts';
import { InvalidProgramError } from './verify.ts';

const CALL: Call = {
  architecture: 0xc000003e,
  number: 0xfffffff0,
  args: [0x11_2222_3333n, -2n, 2n ** 64n - 1n, 4n, 5n, 0x8000_0000_7fff_ffffn],
};

/** An instruction in the order of BPF_STMT and BPF_JUMP of linux/filter.h. */
function op(code: number, k = 0, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k };
}

/** What the accumulator holds at the end. */
function result(...instructions: Instruction[]): number {
  return run([...instructions, op(0x16)], CALL);
}

test('the words of a call', () => {
  const words: [offset: number, word: number][] = [
    [0, 0xfffffff0],
    [4, 0xc000003e],
    [16, 0x22223333],
    [20, 0x11],
    [24, 0xfffffffe],
    [28, 0xffffffff],
    [32, 0xffffffff],
    [36, 0xffffffff],
    [40, 4],
    [44, 0],
    [56, 0x7fffffff],
    [60, 0x80000000],
  ];
  for (const [offset, word] of words) assert.equal(result(op(0x20, offset)), word, `offset ${offset}`);
});

test('a call has no instruction pointer', () => {
  assert.throws(() => result(op(0x20, 8)), /instruction pointer/);
  assert.throws(() => result(op(0x20, 12)), /instruction pointer/);
});

test('loads, stores and moves', () => {
  assert.equal(result(), 0);
  assert.equal(result(op(0x87)), 0);
  assert.equal(result(op(0x00, 0xffffffff)), 0xffffffff);
  assert.equal(result(op(0x80)), 64);
  assert.equal(result(op(0x81), op(0x87)), 64);
  assert.equal(result(op(0x01, 7), op(0x87)), 7);
  assert.equal(result(op(0x00, 7), op(0x07), op(0x00, 1), op(0x87)), 7);
  assert.equal(result(op(0x00, 7), op(0x02, 15), op(0x00, 1), op(0x60, 15)), 7);
  assert.equal(result(op(0x01, 8), op(0x03, 2), op(0x61, 2), op(0x87)), 8);
});

test('arithmetic is that of unsigned 32-bit words', () => {
  const cases: [name: string, operation: number, a: number, operand: number, result: number][] = [
    ['add', 0x00, 0xffffffff, 2, 1],
    ['subtract', 0x10, 1, 2, 0xffffffff],
    ['multiply', 0x20, 0xffffffff, 0xfffffffe, 2],
    ['multiply beyond 53 bits', 0x20, 0x12345679, 0x89abcdef, 0x6bee9ff7],
    ['divide', 0x30, 0xffffffff, 2, 0x7fffffff],
    ['or', 0x40, 0x80000000, 1, 0x80000001],
    ['and', 0x50, 0xffffffff, 0x80000001, 0x80000001],
    ['shift left', 0x60, 3, 31, 0x80000000],
    ['shift right', 0x70, 0x80000000, 31, 1],
    ['exclusive or', 0xa0, 0xffffffff, 0x7fffffff, 0x80000000],
  ];
  for (const [name, operation, a, operand, expected] of cases) {
    assert.equal(result(op(0x00, a), op(0x04 | operation, operand)), expected, name);
    assert.equal(
      result(op(0x01, operand), op(0x00, a), op(0x0c | operation)),
      expected,
      `${name} by register`,
    );
  }
  assert.equal(result(op(0x00, 1), op(0x84)), 0xffffffff);
  assert.equal(result(op(0x84)), 0);
  assert.equal(result(op(0x01, 33), op(0x00, 1), op(0x6c)), 2);
});

test('a division by a register of zero kills the thread', () => {
  assert.equal(result(op(0x00, 1), op(0x3c), op(0x00, 2)), 0);
});

test('comparisons are unsigned', () => {
  const cases: [code: number, a: number, operand: number, holds: boolean][] = [
    [0x15, 5, 5, true],
    [0x15, 5, 6, false],
    [0x25, 0x80000000, 0x7fffffff, true],
    [0x25, 5, 5, false],
    [0x35, 5, 5, true],
    [0x35, 0x7fffffff, 0x80000000, false],
    [0x45, 0xc0000000, 0x80000000, true],
    [0x45, 5, 2, false],
  ];
  for (const [code, a, operand, holds] of cases) {
    const rest = [op(0x06, 1), op(0x06, 2)];
    const byConstant = [op(0x00, a), op(code, operand, 1, 0), ...rest];
    const byRegister = [op(0x01, operand), op(0x00, a), op(code | 0x08, 0, 1, 0), ...rest];
    assert.equal(run(byConstant, CALL), holds ? 2 : 1, `opcode ${code} on ${a} and ${operand}`);
    assert.equal(run(byRegister, CALL), holds ? 2 : 1, `opcode ${code} on ${a} and ${operand} by register`);
  }
});

test('jumps are relative to the next instruction', () => {
  assert.equal(result(op(0x05, 1), op(0x00, 1), op(0x04, 2)), 2);
  assert.equal(result(op(0x05, 0), op(0x00, 1), op(0x04, 2)), 3);
});

test('the return value is the action', () => {
  assert.deepEqual(interpret([op(0x06, 0x7fff0000)], CALL), allow);
  assert.deepEqual(interpret([op(0x06, 0x80000000)], CALL), kill);
  assert.deepEqual(interpret([op(0x00, 0x0005000d), op(0x16)], CALL), errno(13));
  assert.throws(() => interpret([op(0x06, 0x00030000)], CALL), RangeError);
});

test('a program the kernel would refuse is refused', () => {
  assert.throws(() => interpret([], CALL), InvalidProgramError);
  assert.throws(() => interpret([op(0x05, 1), op(0x06, 0x7fff0000)], CALL), InvalidProgramError);
  // Also where the call at hand would not come by.
  assert.throws(() => interpret([op(0x06, 0x7fff0000), op(0x94, 1), op(0x06)], CALL), InvalidProgramError);
});
