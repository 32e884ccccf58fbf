import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instruction } from './bpf.ts';
import { ARCHITECTURE, AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64, NUMBER } from './seccomp-data.ts';
import { InvalidProgramError, isConstantAllow, verify } from './verify.ts';

/** An instruction in the order of BPF_STMT and BPF_JUMP of linux/filter.h. */
function op(code: number, k = 0, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k };
}

/** The arithmetic opcodes with two operands, the second as the class says. */
function binary(base: number): number[] {
  return [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0].map((operation) => base | operation);
}

const ALLOW = op(0x06, 0x7fff0000);
const KILL = op(0x06, 0x80000000);

test('programs the kernel takes', () => {
  const programs: [name: string, program: Instruction[]][] = [
    ['a return', [ALLOW]],
    ['a return of the accumulator', [op(0x16)]],
    ['every word of seccomp_data', [...Array.from({ length: 16 }, (_, index) => op(0x20, 4 * index)), ALLOW]],
    ['the size of seccomp_data', [op(0x80), op(0x81), ALLOW]],
    ['constants and registers', [op(0x00, 1), op(0x01, 2), op(0x07), op(0x87), ALLOW]],
    ['arithmetic with a constant', [...binary(0x04).map((code) => op(code, 1)), ALLOW]],
    ['arithmetic with a register', [...binary(0x0c).map((code) => op(code)), op(0x84), ALLOW]],
    ['a jump to the end', [op(0x05, 1), ALLOW, ALLOW]],
    [
      'every conditional jump',
      [0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d].map((code) => op(code)).concat(ALLOW),
    ],
    ['scratch memory', [op(0x02, 15), op(0x03, 0), op(0x60, 15), op(0x61, 0), ALLOW]],
    [
      'scratch memory set on both ways',
      [op(0x15, 0, 0, 2), op(0x02, 1), op(0x05, 1), op(0x03, 1), op(0x60, 1), ALLOW],
    ],
    ['scratch memory in dead code', [op(0x05, 1), op(0x60, 3), ALLOW]],
    ['4096 instructions', Array.from({ length: 4096 }, () => ALLOW)],
  ];
  for (const [name, program] of programs) assert.doesNotThrow(() => verify(program), name);
});

test('programs the kernel refuses', () => {
  const programs: [reason: RegExp, index: number | undefined, program: Instruction[]][] = [
    [/no instruction/, undefined, []],
    [/4097 instructions/, undefined, Array.from({ length: 4097 }, () => ALLOW)],
    [/last instruction is no return/, 0, [op(0x20, 0)]],
    [/last instruction is no return/, 1, [ALLOW, op(0x00)]],
    [/opcode 0x94/, 0, [op(0x94, 1), ALLOW]],
    [/opcode 0x28/, 0, [op(0x28, 0), ALLOW]],
    [/opcode 0x30/, 0, [op(0x30, 0), ALLOW]],
    [/opcode 0x40/, 0, [op(0x40, 0), ALLOW]],
    [/opcode 0x21/, 0, [op(0x21, 0), ALLOW]],
    [/opcode 0xb1/, 0, [op(0xb1, 0), ALLOW]],
    [/opcode 0x8c/, 0, [op(0x8c), ALLOW]],
    [/opcode 0xe/, 0, [op(0x0e)]],
    [/opcode 0xffff/, 0, [op(0xffff), ALLOW]],
    [/seccomp_data is at 64/, 0, [op(0x20, 64), ALLOW]],
    [/seccomp_data is at 2/, 0, [op(0x20, 2), ALLOW]],
    [/seccomp_data is at 4294963200/, 0, [op(0x20, 0xfffff000), ALLOW]],
    [/division by zero/, 0, [op(0x34, 0), ALLOW]],
    [/shift by 32/, 0, [op(0x64, 32), ALLOW]],
    [/shift by 32/, 0, [op(0x74, 32), ALLOW]],
    [/leads out/, 0, [op(0x05, 1), ALLOW]],
    [/leads out/, 0, [op(0x05, 0xffffffff), ALLOW]],
    [/leads out/, 0, [op(0x15, 0, 1, 0), ALLOW]],
    [/leads out/, 0, [op(0x15, 0, 0, 1), ALLOW]],
    [/leads out/, 1, [ALLOW, op(0x05, 0)]],
    [/no scratch memory at 16/, 0, [op(0x02, 16), ALLOW]],
    [/no scratch memory at 16/, 0, [op(0x61, 16), ALLOW]],
    [/scratch memory 0 is not set/, 0, [op(0x60, 0), ALLOW]],
    [/scratch memory 1 is not set/, 1, [op(0x02, 0), op(0x61, 1), ALLOW]],
    [/scratch memory 1 is not set/, 2, [op(0x15, 0, 0, 1), op(0x02, 1), op(0x60, 1), ALLOW]],
    [/scratch memory 1 is not set/, 3, [op(0x05, 1), op(0x02, 1), op(0x00), op(0x60, 1), ALLOW]],
    [/does not fit/, 0, [op(0x06, -1)]],
    [/does not fit/, 0, [op(0x06, 2 ** 32)]],
    [/does not fit/, 0, [op(0x15, 0, 256, 0), ALLOW]],
    [/does not fit/, 0, [op(0x15, 0, 0, 0.5), ALLOW]],
  ];
  for (const [reason, index, program] of programs) {
    assert.throws(
      () => verify(program),
      (error: unknown) => {
        assert.ok(error instanceof InvalidProgramError);
        assert.match(error.message, reason);
        assert.equal(error.index, index, String(reason));
        return true;
      },
    );
  }
});

test('a number is always allowed if number and architecture alone lead to allow', () => {
  const isFour = [op(0x20, NUMBER), op(0x15, 4, 0, 1), ALLOW, KILL];
  assert.ok(isConstantAllow(isFour, AUDIT_ARCH_X86_64, 4));
  assert.ok(!isConstantAllow(isFour, AUDIT_ARCH_X86_64, 5));

  const isNative = [op(0x20, ARCHITECTURE), op(0x15, AUDIT_ARCH_X86_64, 0, 1), ALLOW, KILL];
  assert.ok(isConstantAllow(isNative, AUDIT_ARCH_X86_64, 4));
  assert.ok(!isConstantAllow(isNative, AUDIT_ARCH_AARCH64, 4));

  const others: [name: string, numbers: number[], program: Instruction[]][] = [
    ['at least', [5, 6, 0xffffffff], [op(0x20), op(0x35, 5, 0, 1), ALLOW, KILL]],
    ['greater', [6, 0xffffffff], [op(0x20), op(0x25, 5, 0, 1), ALLOW, KILL]],
    ['has a bit', [4, 5, 6, 0xffffffff], [op(0x20), op(0x45, 4, 0, 1), ALLOW, KILL]],
    ['masked', [4, 5], [op(0x20), op(0x54, 0xfffffffe), op(0x15, 4, 0, 1), ALLOW, KILL]],
    ['behind a jump', [0, 4, 5, 6, 0xffffffff], [op(0x05, 1), KILL, ALLOW]],
    ['nothing read', [0, 4, 5, 6, 0xffffffff], [ALLOW]],
    ['behind an argument', [], [op(0x20, 16), ALLOW]],
    ['behind the instruction pointer', [], [op(0x20, 8), ALLOW]],
    ['behind a constant', [], [op(0x00, 0), ALLOW]],
    ['behind another operation', [], [op(0x04, 0), ALLOW]],
    ['allow with data', [], [op(0x06, 0x7fff0001)]],
    ['the accumulator', [], [op(0x16)]],
    ['no return', [], [op(0x20)]],
  ];
  for (const [name, numbers, program] of others) {
    const allowed = [0, 4, 5, 6, 0xffffffff].filter((number) =>
      isConstantAllow(program, AUDIT_ARCH_X86_64, number),
    );
    assert.deepEqual(allowed, numbers, name);
  }
});
