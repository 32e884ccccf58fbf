/**
 * The checks the kernel makes of a seccomp program: bpf_check_classic (net/core/filter.c) and seccomp_check_filter
 * (kernel/seccomp.c); and its emulation of the program for the bitmap of always allowed calls.
 */
import * as bpf from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { SECCOMP_RET_ALLOW } from './return-value.ts';
import { ARCHITECTURE, NUMBER, SECCOMP_DATA_SIZE } from './seccomp-data.ts';

/** A program the kernel would refuse with EINVAL. `index` is that of the instruction at fault, if one is. */
export class InvalidProgramError extends Error {
  readonly index: number | undefined;

  constructor(reason: string, index?: number) {
    super(index === undefined ? reason : `instruction ${index}: ${reason}`);
    this.name = 'InvalidProgramError';
    this.index = index;
  }
}

const CONDITIONAL_JUMPS: ReadonlySet<number> = new Set(
  [bpf.BPF_JEQ, bpf.BPF_JGT, bpf.BPF_JGE, bpf.BPF_JSET].flatMap((operation) => [
    bpf.BPF_JMP | operation | bpf.BPF_K,
    bpf.BPF_JMP | operation | bpf.BPF_X,
  ]),
);

const BINARY_OPERATIONS: readonly number[] = [
  bpf.BPF_ADD,
  bpf.BPF_SUB,
  bpf.BPF_MUL,
  bpf.BPF_DIV,
  bpf.BPF_OR,
  bpf.BPF_AND,
  bpf.BPF_LSH,
  bpf.BPF_RSH,
  bpf.BPF_XOR,
];

const ALLOWED: ReadonlySet<number> = new Set([
  ...CONDITIONAL_JUMPS,
  bpf.JUMP,
  ...BINARY_OPERATIONS.map((operation) => bpf.BPF_ALU | operation | bpf.BPF_K),
  ...BINARY_OPERATIONS.map((operation) => bpf.BPF_ALU | operation | bpf.BPF_X),
  bpf.BPF_ALU | bpf.BPF_NEG,
  bpf.LOAD,
  bpf.BPF_LD | bpf.BPF_W | bpf.BPF_LEN,
  bpf.BPF_LDX | bpf.BPF_W | bpf.BPF_LEN,
  bpf.BPF_LD | bpf.BPF_IMM,
  bpf.BPF_LDX | bpf.BPF_IMM,
  bpf.BPF_LD | bpf.BPF_MEM,
  bpf.BPF_LDX | bpf.BPF_MEM,
  bpf.BPF_ST,
  bpf.BPF_STX,
  bpf.BPF_MISC | bpf.BPF_TAX,
  bpf.BPF_MISC | bpf.BPF_TXA,
  bpf.BPF_RET | bpf.BPF_K,
  bpf.BPF_RET | bpf.BPF_A,
]);

/** Throws InvalidProgramError if the kernel would refuse the program, or if a field does not fit its C type. */
export function verify(instructions: readonly Instruction[]): void {
  const { length } = instructions;
  if (length === 0) throw new InvalidProgramError('the program has no instruction');
  if (length > bpf.BPF_MAXINSNS) {
    throw new InvalidProgramError(`the program has ${length} instructions, more than ${bpf.BPF_MAXINSNS}`);
  }
  for (const [index, instruction] of instructions.entries()) {
    const fault = faultOf(instruction, length - index - 1);
    if (fault !== undefined) throw new InvalidProgramError(fault, index);
  }
  const last = instructions.at(-1);
  if (last === undefined || bpf.classOf(last.code) !== bpf.BPF_RET) {
    throw new InvalidProgramError('the last instruction is no return', length - 1);
  }
  verifyScratchMemory(instructions);
}

/** What is wrong with an instruction that `following` others come after. */
function faultOf({ code, jt, jf, k }: Instruction, following: number): string | undefined {
  if (
    !isUnsigned(code, 0xffff) ||
    !isUnsigned(jt, 0xff) ||
    !isUnsigned(jf, 0xff) ||
    !isUnsigned(k, 0xffffffff)
  ) {
    return 'a field does not fit struct sock_filter';
  }
  if (!ALLOWED.has(code)) return `opcode 0x${code.toString(16)} is not allowed`;
  if (CONDITIONAL_JUMPS.has(code)) {
    return jt < following && jf < following ? undefined : 'a jump leads out of the program';
  }
  switch (code) {
    case bpf.JUMP:
      return k < following ? undefined : 'a jump leads out of the program';
    case bpf.LOAD:
      return k < SECCOMP_DATA_SIZE && k % 4 === 0 ? undefined : `no word of struct seccomp_data is at ${k}`;
    case bpf.BPF_ALU | bpf.BPF_DIV | bpf.BPF_K:
      return k === 0 ? 'a division by zero' : undefined;
    case bpf.BPF_ALU | bpf.BPF_LSH | bpf.BPF_K:
    case bpf.BPF_ALU | bpf.BPF_RSH | bpf.BPF_K:
      return k < 32 ? undefined : `a shift by ${k} bits`;
    case bpf.BPF_LD | bpf.BPF_MEM:
    case bpf.BPF_LDX | bpf.BPF_MEM:
    case bpf.BPF_ST:
    case bpf.BPF_STX:
      return k < bpf.BPF_MEMWORDS ? undefined : `no scratch memory at ${k}`;
    default:
      return undefined;
  }
}

/** On every way to a load from scratch memory there must be a store (check_load_and_stores). */
function verifyScratchMemory(instructions: readonly Instruction[]): void {
  const everyWord = 2 ** bpf.BPF_MEMWORDS - 1;
  /** By instruction: the words stored on all ways that jump to it. */
  const stored = new Map<number, number>();
  const meet = (target: number, words: number): void => {
    stored.set(target, (stored.get(target) ?? everyWord) & words);
  };
  let words = 0;
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    words &= stored.get(index) ?? everyWord;
    if (code === bpf.BPF_ST || code === bpf.BPF_STX) {
      words |= 1 << k;
    } else if (code === (bpf.BPF_LD | bpf.BPF_MEM) || code === (bpf.BPF_LDX | bpf.BPF_MEM)) {
      if ((words & (1 << k)) === 0) throw new InvalidProgramError(`scratch memory ${k} is not set`, index);
    } else if (bpf.classOf(code) === bpf.BPF_JMP) {
      for (const distance of code === bpf.JUMP ? [k] : [jt, jf]) meet(index + 1 + distance, words);
      // Nothing falls through a jump: what follows is known by the jumps to it alone.
      words = everyWord;
    }
  }
}

/**
 * Whether Linux 5.11 and later would mark this number of this architecture as always allowed and no longer run the
 * program for it. As the kernel's seccomp_is_const_allow: a run that reads nothing but number and architecture.
 */
export function isConstantAllow(
  instructions: readonly Instruction[],
  architecture: number,
  number: number,
): boolean {
  let accumulator = 0;
  for (let index = 0; index < instructions.length; index += 1) {
    const instruction = instructions[index];
    if (instruction === undefined) return false;
    const { code, jt, jf, k } = instruction;
    switch (code) {
      case bpf.LOAD:
        if (k !== NUMBER && k !== ARCHITECTURE) return false;
        accumulator = k === NUMBER ? number : architecture;
        break;
      case bpf.AND:
        accumulator = (accumulator & k) >>> 0;
        break;
      case bpf.JUMP:
        index += k;
        break;
      case bpf.JUMP_EQUAL:
        index += accumulator === k ? jt : jf;
        break;
      case bpf.JUMP_GREATER:
        index += accumulator > k ? jt : jf;
        break;
      case bpf.JUMP_GREATER_EQUAL:
        index += accumulator >= k ? jt : jf;
        break;
      case bpf.JUMP_SET:
        index += (accumulator & k) === 0 ? jf : jt;
        break;
      case bpf.RETURN:
        return k === SECCOMP_RET_ALLOW;
      default:
        return false;
    }
  }
  return false;
}

function isUnsigned(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
