import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Instruction } from './bpf.ts';
import { compile } from './compile.ts';
import { disassemble } from './disassemble.ts';
import { allow, and, errno, int, kill, long, not, notify, or, pointer, trace, when } from './expression.ts';
import type { Expression } from './expression.ts';
import { AUDIT_ARCH_X86_64 } from './seccomp-data.ts';

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'read'],
  [1, 'write'],
  [2, 'open'],
  [16, 'ioctl'],
  [41, 'socket'],
  [56, 'clone'],
  [59, 'execve'],
  [90, 'chmod'],
  [101, 'ptrace'],
]);

/** An instruction in the order of BPF_STMT and BPF_JUMP of linux/filter.h. */
function op(code: number, k = 0, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k };
}

/** Compares with the text in golden/; with UPDATE_GOLDEN=1 in the environment writes it. */
function assertGolden(name: string, text: string): void {
  const path = join('src/seccomp/golden', `${name}.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

function textOf(calls: [number, Expression][]): string {
  const program = compile({
    architecture: AUDIT_ARCH_X86_64,
    calls: new Map(calls),
    unknown: errno(38),
    foreignArchitecture: kill,
    x32: kill,
  });
  return disassemble(program, (number) => NAMES.get(number));
}

test('numbers alone', () => {
  assertGolden(
    'numbers',
    textOf([
      [0, allow],
      [1, allow],
      [2, notify],
      [59, allow],
      [90, notify],
      [101, errno(1)],
    ]),
  );
});

test('conditions on int arguments', () => {
  assertGolden(
    'int-conditions',
    textOf([
      [16, when(int(1).in([0x5412, 0x541c]), errno(1), allow)],
      [41, when(int(0).in([1, 2, 10, 16]), when(int(1).masked(0xf, 3), errno(93), allow), errno(97))],
      [56, when(or(int(0).hasAny(0x7e020000), not(int(0).hasNone(0x80))), errno(1), allow)],
      [90, when(int(1).atMost(0o777), allow, trace(90))],
    ]),
  );
});

test('conditions on long arguments', () => {
  assertGolden(
    'long-conditions',
    textOf([
      [0, when(pointer(1).equals(0n), errno(14), allow)],
      [1, when(long(2).atMost(0x1_0000_1000n), allow, errno(7))],
      [
        16,
        when(
          and(long(1).hasAny(1n << 40n), long(2).masked(0xff00_00ff_0000n, 0x1200_0034_0000n)),
          notify,
          kill,
        ),
      ],
    ]),
  );
});

test('every opcode', () => {
  const loads = [op(0x20, 0), op(0x20, 8), op(0x20, 60), op(0x20, 3), op(0x00, 9), op(0x60, 1), op(0x80)];
  const others = [op(0x01, 9), op(0x61, 2), op(0x81), op(0x02, 3), op(0x03, 4), op(0x07), op(0x87)];
  const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0];
  const arithmetic = operations.flatMap((operation) => [op(0x04 | operation, 31), op(0x0c | operation)]);
  const jumps = [0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d].map((code) => op(code, 255, 1, 2));
  const actions = [
    0,
    0x80000000,
    0x30005,
    0x50001,
    0x7fc00000,
    0x7ff00002,
    0x7ffc0000,
    0x7fff0000,
    0x7fff0001,
    5 << 20,
  ];
  const returns = [...actions.map((value) => op(0x06, value)), op(0x16)];
  const unknown = [
    op(0x94, 1, 2, 3),
    op(0x21),
    op(0x0a),
    op(0x0b),
    op(0x55),
    op(0x0e),
    op(0xff),
    op(0x1115),
    op(0x1104),
  ];
  const program = [
    ...loads,
    ...others,
    ...arithmetic,
    op(0x84),
    op(0x05, 2),
    ...jumps,
    ...returns,
    ...unknown,
  ];
  assertGolden('opcodes', disassemble(program));
});

test('a call is named only where its number is compared on every way', () => {
  const text = disassemble(
    [
      op(0x20, 0),
      op(0x15, 1, 0, 1),
      op(0x20, 16),
      // Number or argument, as the way goes, with either the last to be met.
      op(0x15, 2, 0, 1),
      op(0x20, 0),
      op(0x15, 2, 0, 0),
      op(0x20, 0),
      op(0x54, 0xff),
      op(0x15, 59, 0, 0),
      op(0x06, 0x7fff0000),
    ],
    (number) => NAMES.get(number),
  );
  const commented = text.split('\n').filter((line) => line.includes(';'));
  assert.deepEqual(commented, ['   1  jeq  1, 2, 3                  ; write']);
});
