import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isSyscallName, syscallName, SYSCALL_NAMES, X86_64 } from './syscalls.ts';
import { AARCH64 } from './syscalls-aarch64.ts';

const X86_64_HEADERS = [
  '/usr/include/x86_64-linux-gnu/asm/unistd_64.h',
  '/usr/include/asm/unistd_64.h',
  '/usr/include/asm-x86/unistd_64.h',
];
const GENERIC_HEADER = '/usr/include/asm-generic/unistd.h';

void test('names and numbers are a bijection', () => {
  const numbers = SYSCALL_NAMES.map((name) => X86_64[name]);
  assert.equal(new Set(numbers).size, SYSCALL_NAMES.length);
  for (const name of SYSCALL_NAMES) assert.equal(syscallName(X86_64[name]), name);
  const arm = Object.values(AARCH64);
  assert.equal(new Set(arm).size, arm.length);
});

void test('the numbers are 0 to 336 and 424 to 471 without a gap', () => {
  const numbers = new Set<number>(Object.values(X86_64));
  const expected = [...range(0, 336), ...range(424, 471)];
  assert.deepEqual(
    [...numbers].toSorted((a, b) => a - b),
    expected,
  );
});

void test('a number or a name outside the table has no partner', () => {
  for (const number of [-1, 337, 423, 472, 600, 0x40000000, 0.5, Number.NaN]) {
    assert.equal(syscallName(number), undefined, String(number));
  }
  assert.ok(isSyscallName('openat2'));
  for (const name of ['', 'toString', '__proto__', 'OPEN']) assert.ok(!isSyscallName(name), name);
});

void test('x86-64 agrees with the C header wherever both have a call', (context) => {
  const path = X86_64_HEADERS.find((candidate) => existsSync(candidate));
  if (path === undefined) return context.skip('no asm/unistd_64.h here');
  const header = numbersIn(readFileSync(path, 'utf8'));
  assert.ok(header.size >= 300, `only ${header.size} numbers in ${path}`);
  for (const [name, number] of header) {
    assert.ok(isSyscallName(name), `${name} of ${path} is missing`);
    assert.equal(X86_64[name], number, name);
  }
  return undefined;
});

void test('aarch64 agrees with the generic C header wherever both have a call', (context) => {
  if (!existsSync(GENERIC_HEADER)) return context.skip(`no ${GENERIC_HEADER} here`);
  const header = numbersIn(readFileSync(GENERIC_HEADER, 'utf8'));
  const table = new Map(Object.entries(AARCH64));
  const both = [...header].filter(([name]) => table.has(name));
  assert.ok(both.length >= 250, `only ${both.length} calls in common`);
  for (const [name, number] of both) assert.equal(table.get(name), number, name);
  return undefined;
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The numbers a C header defines, by name; an alias such as `__NR_fcntl __NR3264_fcntl` is followed. */
function numbersIn(header: string): Map<string, number> {
  const values = new Map<string, string>();
  for (const [, symbol, value] of header.matchAll(/^#define\s+(__NR\w+)\s+(\w+)/gm)) {
    if (symbol !== undefined && value !== undefined) values.set(symbol, value);
  }
  const numbers = new Map<string, number>();
  for (const [symbol, value] of values) {
    const number = Number(values.get(value) ?? value);
    if (symbol.startsWith('__NR_') && symbol !== '__NR_syscalls' && Number.isInteger(number)) {
      numbers.set(symbol.slice('__NR_'.length), number);
    }
  }
  return numbers;
}
