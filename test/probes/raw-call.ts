/**
 * Makes the system calls that a list on standard input names, and prints the result of each.
 */
import { readFileSync, writeSync } from 'node:fs';

import koffi from 'koffi';

import type { Argument, Step, StepResult } from './protocol.ts';

const libc = koffi.load(null);
const syscall: (...args: (number | bigint)[]) => number = libc.func('syscall', 'long', [
  'long',
  ...Array<string>(6).fill('intptr_t'),
]);
const copy: (target: bigint, source: Uint8Array, size: number) => unknown = libc.func('memcpy', 'intptr_t', [
  'intptr_t',
  'void *',
  'size_t',
]);

const MMAP = 9;
const MUNMAP = 11;
const PAGE = 4096;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const saved = new Map<string, number>();
/** Memory that a call was given must live until the process ends: calls may still refer to it. */
const kept: Uint8Array[] = [];

function keep(bytes: Uint8Array): bigint {
  // A buffer of its own: slices of Node's pool may share a page with anything.
  const own = new Uint8Array(Math.max(bytes.length, 1));
  own.set(bytes);
  kept.push(own);
  return koffi.address(own);
}

function expand(path: string): Buffer {
  return Buffer.from(
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(saved.get(name) ?? -1)) + '\0',
  );
}

function atPageEdge(bytes: Uint8Array): bigint {
  const pages = Math.ceil(bytes.length / PAGE);
  const start = BigInt(syscall(MMAP, 0, (pages + 1) * PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
  const edge = start + BigInt(pages * PAGE);
  syscall(MUNMAP, edge, PAGE, 0, 0, 0, 0);
  const address = edge - BigInt(bytes.length);
  copy(address, bytes, bytes.length);
  return address;
}

function register(argument: Argument): bigint {
  if (typeof argument !== 'object') return BigInt.asIntN(64, BigInt(argument));
  if ('path' in argument) return keep(expand(argument.path));
  if ('pathHex' in argument) return keep(Buffer.from(`${argument.pathHex}00`, 'hex'));
  if ('hex' in argument) return keep(Buffer.from(argument.hex, 'hex'));
  if ('edge' in argument) {
    const bytes = expand(argument.edge);
    return atPageEdge(argument.cut === true ? bytes.subarray(0, -1) : bytes);
  }
  if ('saved' in argument) {
    const low = BigInt.asUintN(32, BigInt(saved.get(argument.saved) ?? -1));
    return BigInt.asIntN(64, (BigInt(argument.garbage ?? 0) << 32n) | low);
  }
  return keep(structure(argument.fields));
}

function structure(fields: readonly (readonly [2 | 4 | 8, Argument])[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(8);
      field.writeBigInt64LE(register(value));
      return field.subarray(0, bytes);
    }),
  );
}

function perform(step: Step): StepResult {
  const registers = step.arguments.map(register);
  while (registers.length < 6) registers.push(0n);
  const result = syscall(step.number, ...registers);
  const errno = result === -1 ? koffi.errno() : 0;
  if (step.save !== undefined) saved.set(step.save, result);
  return { label: step.label, result, errno };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the test that wrote it is type-checked
const steps = JSON.parse(readFileSync(0, 'utf8')) as Step[];
const results = steps.map(perform);
writeSync(1, JSON.stringify(results) + '\n');
