/**
 * Filters as classic BPF programs, in this order: architecture, x32 bit, binary search over the call numbers, and only
 * then arguments. Linux 5.11 and later look up numbers in a bitmap where the program allows them without a look at
 * anything but number and architecture (`isConstantAllow`), so those cost nothing however deep the search is.
 */
import { BPF_MAXINSNS, JUMP_EQUAL, JUMP_SET } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { isX32 } from './filter.ts';
import type { Filter } from './filter.ts';
import { Graph, enter } from './graph.ts';
import type { Node } from './graph.ts';
import { layOut } from './layout.ts';
import { Lowering } from './lower.ts';
import { search } from './search.ts';
import { ARCHITECTURE, AUDIT_ARCH_X86_64, NUMBER, X32_SYSCALL_BIT } from './seccomp-data.ts';
import { verify } from './verify.ts';

export type { Instruction } from './bpf.ts';

/**
 * The program that gives every call the action that `evaluate` gives it. Its result passes `verify`.
 *
 * Throws RangeError if the filter needs more instructions than the kernel takes (4096, BPF_MAXINSNS), has a call number
 * that is none or that only `x32` can decide, or an action whose data does not fit.
 */
export function compile(filter: Filter): Instruction[] {
  const instructions = layOut(enter(lowerFilter(filter)));
  if (instructions.length > BPF_MAXINSNS) {
    throw new RangeError(
      `the filter needs ${instructions.length} instructions, more than the kernel takes (${BPF_MAXINSNS})`,
    );
  }
  verify(instructions);
  return instructions;
}

/** The program as an array of struct sock_filter (linux/filter.h), 8 bytes each, little-endian. */
export function encode(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    const offset = 8 * index;
    bytes.writeUInt16LE(code, offset);
    bytes.writeUInt8(jt, offset + 2);
    bytes.writeUInt8(jf, offset + 3);
    bytes.writeUInt32LE(k, offset + 4);
  }
  return bytes;
}

function lowerFilter(filter: Filter): Node {
  const graph = new Graph();
  const lowering = new Lowering(graph);
  const cases = new Map<number, Node>();
  for (const [number, expression] of filter.calls) {
    requireCallNumber(filter.architecture, number);
    cases.set(number, lowering.lower(expression));
  }
  let node = search(graph, NUMBER, cases, lowering.lower(filter.unknown));
  if (filter.architecture === AUDIT_ARCH_X86_64) {
    const isX32Number = { offset: NUMBER, code: JUMP_SET, operand: X32_SYSCALL_BIT };
    node = graph.test(isX32Number, lowering.lower(filter.x32), node);
  }
  const isNative = { offset: ARCHITECTURE, code: JUMP_EQUAL, operand: filter.architecture };
  return graph.test(isNative, node, lowering.lower(filter.foreignArchitecture));
}

function requireCallNumber(architecture: number, number: number): void {
  if (!Number.isInteger(number) || number < 0 || number > 0xffffffff) {
    throw new RangeError(`call number ${number} is not an unsigned 32-bit integer`);
  }
  if (isX32(architecture, number)) {
    throw new RangeError(`call number ${number} has the x32 bit, its calls are decided by the x32 action`);
  }
}
