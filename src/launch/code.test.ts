import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FRONT_CODE, FrontPlace, frontInstructions } from './front-code.ts';
import { buildFront } from './front.ts';
import { NOTE_VARIABLE } from './front-names.ts';
import type { Instruction } from './listing.ts';
import { SETTINGS, STANDALONE_CODE, StandaloneMemory, standaloneInstructions } from './standalone/code.ts';
import {
  CODE,
  FAILURE_CELL,
  ROW_SIZE,
  RowField,
  RowFlag,
  STOP_CODE,
  TABLE_CELL,
  instructions,
} from './code.ts';

const INSTRUCTIONS = instructions();

/** One line an instruction, as objdump words it: `bytes`, `assembly`. */
function disassemble(code: Buffer): { offset: number; bytes: string; assembly: string }[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, code);
    const words = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '-w', file];
    const { error, status, stdout } = spawnSync('objdump', words, { encoding: 'utf8' });
    if (error !== undefined || status !== 0) return undefined;
    return [...stdout.matchAll(/^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.+)$/gm)].map(
      ([, offset = '', bytes = '', text = '']) => ({
        offset: Number.parseInt(offset, 16),
        bytes,
        assembly: text.replace(/#.*/, '').trim().replace(/\s+/g, ' ').replaceAll(',', ', '),
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void test('a disassembler reads the bytes as the listing says', (t) => {
  isAsListed(t, CODE, INSTRUCTIONS);
});

void test('those of the front too', (t) => {
  isAsListed(t, FRONT_CODE, frontInstructions());
});

void test('those of a compiled policy too', (t) => {
  isAsListed(t, STANDALONE_CODE, standaloneInstructions());
});

void test('a compiled policy looks at its settings, and at memory that it has', () => {
  const text = standaloneInstructions().map(({ assembly }) => assembly);
  // The first instruction is seven bytes long, and the address lies in the eight bytes before it.
  assert.equal(text[0], 'mov rbx, QWORD PTR [rip+0xfffffffffffffff1]');
  const used = new Set(
    text.flatMap((line) => (/\[rbx(?:\+0x([0-9a-f]+))?\]/.test(line) ? [offsetIn(line)] : [])),
  );
  // The parts of structures are read by the kernel alone, and a name that is 0 is at the beginning.
  const parts = ['handledAccessNet', 'scoped', 'hardCoreLimit'];
  for (const [index, setting] of SETTINGS.entries())
    assert.equal(used.has(8 * index), !parts.includes(setting), setting);
  const { start, end } = StandaloneMemory;
  const places = text.flatMap((line) => [...line.matchAll(/0x(2[0-9a-f]{7})\b/g)].map(([, at = '']) => at));
  assert.ok(places.length > 30);
  for (const place of places.map((at) => Number.parseInt(at, 16)))
    assert.ok(place >= start && place < end, place.toString(16));
});

function offsetIn(line: string): number {
  return Number.parseInt(/\[rbx\+0x([0-9a-f]+)\]/.exec(line)?.[1] ?? '0', 16);
}

function isAsListed(t: TestContext, code: Buffer, listing: readonly Instruction[]): void {
  const lines = disassemble(code);
  if (lines === undefined) return t.skip('objdump is not installed');
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const { label, bytes } of listing) {
    if (label !== undefined) offsets.set(label, offset);
    offset += bytes.length;
  }
  const expected = listing.map(({ bytes, assembly }) => ({
    bytes: bytes.toString('hex').replaceAll(/..(?=.)/g, '$& '),
    assembly: assembly.replace(/^(j\w+|call) (\w+)$/, (_, jump: string, label: string) => {
      const target = offsets.get(label);
      assert.ok(target !== undefined, `no label ${label}`);
      return `${jump} 0x${target.toString(16)}`;
    }),
  }));
  assert.deepEqual(
    lines.map(({ bytes, assembly }) => ({ bytes, assembly })),
    expected,
  );
}

void test('the strings of the front are where its code looks for them', () => {
  const image = buildFront();
  const at = (address: number, text: string): void =>
    assert.equal(image.toString('latin1', address - 0x400000, address - 0x400000 + text.length), text);
  at(FrontPlace.strings, `${NOTE_VARIABLE}=`);
  at(FrontPlace.strings + 0x10, '/proc/self/exe\0');
  at(FrontPlace.strings + 0x20, 'node\0\0');
  at(FrontPlace.strings + 0x28, '/bin:/usr/bin\0');
  at(FrontPlace.strings + 0x38 + 61, '\n\0');
  const text = frontInstructions().map(({ assembly }) => assembly);
  assert.ok(text.includes('mov ecx, 0x10') && text.includes('mov edx, 0x3e'));
  assert.equal(`${NOTE_VARIABLE}=`.length, 0x10);
});

function field(offset: number): string {
  return `[r12+0x${offset.toString(16)}]`;
}

void test('the code is the bytes of the listing', () => {
  assert.deepEqual(CODE, Buffer.concat(INSTRUCTIONS.map(({ bytes }) => bytes)));
});

void test('the numbers in the code are those of the row layout', () => {
  const text = INSTRUCTIONS.map(({ assembly }) => assembly).join('\n');
  for (const [index, register] of ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'].entries()) {
    assert.ok(text.includes(`mov ${register}, QWORD PTR ${field(RowField.arguments + 8 * index)}`), register);
  }
  assert.ok(text.includes(`mov ecx, DWORD PTR ${field(RowField.tolerate)}`));
  assert.ok(text.includes(`mov edi, DWORD PTR ${field(RowField.report)}`));
  assert.ok(text.includes(`lea rsi, ${field(RowField.id)}`));
  assert.ok(text.includes(`mov DWORD PTR ${field(RowField.failure)}, eax`));
  assert.ok(text.includes(`mov rcx, QWORD PTR ${field(RowField.result)}`));
  assert.ok(text.includes(`mov rcx, QWORD PTR ${field(RowField.onZero)}`));
  assert.ok(text.includes(`test BYTE PTR ${field(RowField.flags)}, 0x${RowFlag.stopAtZero}`));
  assert.ok(text.includes(`test BYTE PTR ${field(RowField.flags)}, 0x${RowFlag.environment}`));
  assert.ok(text.includes(`test BYTE PTR ${field(RowField.flags)}, 0x${RowFlag.stack}`));
  assert.ok(text.includes(`test BYTE PTR ${field(RowField.flags)}, 0x${RowFlag.store}`));
  assert.ok(text.includes(`add r12, 0x${ROW_SIZE.toString(16)}`));
  assert.ok(text.includes(`mov edi, 0x${STOP_CODE.toString(16)}`));
  // The first instruction is seven bytes long, and its operand counts from the one behind it.
  assert.ok(text.startsWith(`mov r12, QWORD PTR [rip+0x${(TABLE_CELL - 7).toString(16)}]`));
  let offset = 0;
  for (const { assembly, bytes } of INSTRUCTIONS) {
    offset += bytes.length;
    const place = /^mov rcx, QWORD PTR \[rip\+0x([0-9a-f]+)\]$/.exec(assembly)?.[1];
    if (place !== undefined) assert.equal(offset + Number.parseInt(place, 16), FAILURE_CELL);
  }
});

void test('no instruction uses the stack', () => {
  const stack = INSTRUCTIONS.filter(({ assembly }) =>
    /^(push|pop|call|ret|enter|leave)\b|^(?!mov r14).*, *rsp$/.test(assembly),
  );
  assert.deepEqual(stack, []);
});
