/**
 * Runs classic BPF programs as the kernel does for a call (kernel/seccomp.c, bpf_convert_filter of net/core/filter.c).
 */
import * as bpf from './bpf.ts';
import type { Instruction } from './bpf.ts';
import type { Action } from './expression.ts';
import type { Call } from './filter.ts';
import { decodeAction, SECCOMP_RET_KILL_THREAD } from './return-value.ts';
import { ARCHITECTURE, ARGUMENTS, INSTRUCTION_POINTER, NUMBER, SECCOMP_DATA_SIZE } from './seccomp-data.ts';
import { verify } from './verify.ts';

/**
 * The action of the program for the call. Throws InvalidProgramError if the kernel would refuse the program, RangeError
 * if it returns an action outside the language.
 */
export function interpret(instructions: readonly Instruction[], call: Call): Action {
  return decodeAction(run(instructions, call));
}

/**
 * As `interpret`, but the number that the program returns. Throws Error where it reads the instruction pointer, which
 * a Call does not have.
 */
export function run(instructions: readonly Instruction[], call: Call): number {
  verify(instructions);
  return execute(instructions, call);
}

/** A program that is verified once and then run for many calls: as `interpret`. */
export function interpreter(instructions: readonly Instruction[]): (call: Call) => Action {
  verify(instructions);
  return (call) => decodeAction(execute(instructions, call));
}

function execute(instructions: readonly Instruction[], call: Call): number {
  const registers: Registers = { a: 0, x: 0, scratch: Array.from({ length: bpf.BPF_MEMWORDS }, () => 0) };
  for (let index = 0; ; index += 1) {
    const instruction = instructions[index];
    if (instruction === undefined) throw new Error(`there is no instruction ${index}`);
    const { code, k } = instruction;
    switch (bpf.classOf(code)) {
      case bpf.BPF_LD:
        registers.a = load(instruction, registers, call);
        break;
      case bpf.BPF_LDX:
        registers.x = load(instruction, registers, call);
        break;
      case bpf.BPF_ST:
        registers.scratch[k] = registers.a;
        break;
      case bpf.BPF_STX:
        registers.scratch[k] = registers.x;
        break;
      case bpf.BPF_ALU: {
        const result = calculate(instruction, registers);
        if (result === undefined) return SECCOMP_RET_KILL_THREAD;
        registers.a = result >>> 0;
        break;
      }
      case bpf.BPF_JMP:
        index += jumpDistance(instruction, registers);
        break;
      case bpf.BPF_RET:
        return (code & 0x18) === bpf.BPF_A ? registers.a : k;
      case bpf.BPF_MISC:
        if (code === (bpf.BPF_MISC | bpf.BPF_TAX)) registers.x = registers.a;
        else registers.a = registers.x;
        break;
    }
  }
}

/** Accumulator, index register and scratch memory: unsigned 32-bit words, 0 at the start. */
interface Registers {
  a: number;
  x: number;
  readonly scratch: number[];
}

function load({ code, k }: Instruction, { scratch }: Registers, call: Call): number {
  switch (code & 0xe0) {
    case bpf.BPF_IMM:
      return k;
    case bpf.BPF_LEN:
      return SECCOMP_DATA_SIZE;
    case bpf.BPF_MEM:
      return scratch[k] ?? 0;
    default:
      return readData(call, k);
  }
}

function readData(call: Call, offset: number): number {
  if (offset === NUMBER) return call.number >>> 0;
  if (offset === ARCHITECTURE) return call.architecture >>> 0;
  if (offset < ARGUMENTS)
    throw new Error(`the call has no instruction pointer (offset ${INSTRUCTION_POINTER})`);
  const argument = call.args[(offset - ARGUMENTS) >> 3] ?? 0n;
  const isHighHalf = offset % 8 !== 0;
  return Number(BigInt.asUintN(32, isHighHalf ? argument >> 32n : argument));
}

/** The result as a number whose low 32 bits count; undefined for a division by zero, which ends the program. */
function calculate({ code, k }: Instruction, { a, x }: Registers): number | undefined {
  const operand = (code & bpf.BPF_X) === 0 ? k : x;
  switch (bpf.operationOf(code)) {
    case bpf.BPF_ADD:
      return a + operand;
    case bpf.BPF_SUB:
      return a - operand;
    case bpf.BPF_MUL:
      return Math.imul(a, operand);
    case bpf.BPF_DIV:
      return operand === 0 ? undefined : Math.floor(a / operand);
    case bpf.BPF_OR:
      return a | operand;
    case bpf.BPF_AND:
      return a & operand;
    // Of a register only the low 5 bits shift, in JavaScript as in the kernel.
    case bpf.BPF_LSH:
      return a << operand;
    case bpf.BPF_RSH:
      return a >>> operand;
    case bpf.BPF_NEG:
      return -a;
    default:
      return a ^ operand;
  }
}

function jumpDistance({ code, jt, jf, k }: Instruction, { a, x }: Registers): number {
  const operand = (code & bpf.BPF_X) === 0 ? k : x;
  switch (bpf.operationOf(code)) {
    case bpf.BPF_JA:
      return k;
    case bpf.BPF_JEQ:
      return a === operand ? jt : jf;
    case bpf.BPF_JGT:
      return a > operand ? jt : jf;
    case bpf.BPF_JGE:
      return a >= operand ? jt : jf;
    default:
      return (a & operand) === 0 ? jf : jt;
  }
}
