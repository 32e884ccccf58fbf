/**
 * Classic BPF: the opcodes of linux/bpf_common.h and linux/filter.h, and the instruction they make up.
 */

/** One `struct sock_filter`: opcode, the relative jumps when a comparison holds and when not, and the operand. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Most instructions in one program (BPF_MAXINSNS). */
export const BPF_MAXINSNS = 4096;
/** Words of scratch memory (BPF_MEMWORDS). */
export const BPF_MEMWORDS = 16;

// Instruction classes: code & 0x07.
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;

// Addressing modes of BPF_LD and BPF_LDX, all with BPF_W: code & 0xe0.
export const BPF_W = 0x00;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_MEM = 0x60;
export const BPF_LEN = 0x80;

// Operations of BPF_ALU: code & 0xf0. Seccomp lacks BPF_MOD (0x90).
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_XOR = 0xa0;

// Operations of BPF_JMP: code & 0xf0.
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;

// Second operand of BPF_ALU, BPF_JMP and BPF_RET: the constant k, register X, or the accumulator.
export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;

// Operations of BPF_MISC: code & 0xf8.
export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

// The opcodes the compiler emits.
export const LOAD = BPF_LD | BPF_W | BPF_ABS;
export const AND = BPF_ALU | BPF_AND | BPF_K;
export const RETURN = BPF_RET | BPF_K;
export const JUMP = BPF_JMP | BPF_JA;
export const JUMP_EQUAL = BPF_JMP | BPF_JEQ | BPF_K;
export const JUMP_GREATER = BPF_JMP | BPF_JGT | BPF_K;
export const JUMP_GREATER_EQUAL = BPF_JMP | BPF_JGE | BPF_K;
export const JUMP_SET = BPF_JMP | BPF_JSET | BPF_K;

/** The class of an opcode (BPF_CLASS). */
export function classOf(code: number): number {
  return code & 0x07;
}

/** The operation of an arithmetic or jump opcode (BPF_OP). */
export function operationOf(code: number): number {
  return code & 0xf0;
}
