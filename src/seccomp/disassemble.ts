/**
 * Programs as text, one instruction a line, in the mnemonics of bpf_asm (Documentation/networking/filter.rst):
 *
 *        4  jge  59, 6, 5                 ; execve
 *
 * is instruction 4, which goes on at 6 if the accumulator is at least 59, else at 5.
 */
import * as bpf from './bpf.ts';
import type { Instruction } from './bpf.ts';
import * as ret from './return-value.ts';
import * as data from './seccomp-data.ts';

const COMMENT_COLUMN = 36;

/** Any row of instructions as text, valid or not. `names` gives the call's name for a comment on its number. */
export function disassemble(
  instructions: readonly Instruction[],
  names: (number: number) => string | undefined = () => undefined,
): string {
  const words = comparedWords(instructions);
  const lines = instructions.map((instruction, index) => {
    const word = words[index];
    const text = `${String(index).padStart(4)}  ${operation(instruction, index, word)}`;
    const comment = isComparison(instruction) && word === data.NUMBER ? names(instruction.k) : undefined;
    return comment === undefined ? text : `${text.padEnd(COMMENT_COLUMN)}; ${comment}`;
  });
  return lines.map((line) => `${line}\n`).join('');
}

const ALU_NAMES: ReadonlyMap<number, string> = new Map([
  [bpf.BPF_ADD, 'add'],
  [bpf.BPF_SUB, 'sub'],
  [bpf.BPF_MUL, 'mul'],
  [bpf.BPF_DIV, 'div'],
  [bpf.BPF_OR, 'or'],
  [bpf.BPF_AND, 'and'],
  [bpf.BPF_LSH, 'lsh'],
  [bpf.BPF_RSH, 'rsh'],
  [bpf.BPF_NEG, 'neg'],
  [bpf.BPF_XOR, 'xor'],
]);

const JUMP_NAMES: ReadonlyMap<number, string> = new Map([
  [bpf.BPF_JEQ, 'jeq'],
  [bpf.BPF_JGT, 'jgt'],
  [bpf.BPF_JGE, 'jge'],
  [bpf.BPF_JSET, 'jset'],
]);

const ACTION_NAMES: ReadonlyMap<number, string> = new Map([
  [ret.SECCOMP_RET_KILL_PROCESS, 'KILL_PROCESS'],
  [ret.SECCOMP_RET_KILL_THREAD, 'KILL_THREAD'],
  [ret.SECCOMP_RET_TRAP, 'TRAP'],
  [ret.SECCOMP_RET_ERRNO, 'ERRNO'],
  [ret.SECCOMP_RET_USER_NOTIF, 'USER_NOTIF'],
  [ret.SECCOMP_RET_TRACE, 'TRACE'],
  [ret.SECCOMP_RET_LOG, 'LOG'],
  [ret.SECCOMP_RET_ALLOW, 'ALLOW'],
]);

const ACTIONS_WITH_DATA: ReadonlySet<number> = new Set([
  ret.SECCOMP_RET_TRAP,
  ret.SECCOMP_RET_ERRNO,
  ret.SECCOMP_RET_TRACE,
]);

const ARCHITECTURE_NAMES: ReadonlyMap<number, string> = new Map([
  [data.AUDIT_ARCH_I386, 'AUDIT_ARCH_I386'],
  [data.AUDIT_ARCH_X86_64, 'AUDIT_ARCH_X86_64'],
  [data.AUDIT_ARCH_AARCH64, 'AUDIT_ARCH_AARCH64'],
]);

/** Mnemonic and operands, or the bare fields of an opcode without a name. */
function operation(instruction: Instruction, index: number, word: number | undefined): string {
  const { code, jt, jf, k } = instruction;
  const bare = `0x${code.toString(16)}, ${jt}, ${jf}, ${hex(k)}`;
  switch (bpf.classOf(code)) {
    case bpf.BPF_LD:
    case bpf.BPF_LDX:
      return loadOperation(instruction) ?? bare;
    case bpf.BPF_ST:
      return code === bpf.BPF_ST ? line('st', `M[${k}]`) : bare;
    case bpf.BPF_STX:
      return code === bpf.BPF_STX ? line('stx', `M[${k}]`) : bare;
    case bpf.BPF_ALU: {
      const name = ALU_NAMES.get(bpf.operationOf(code));
      if (name === undefined || code > 0xff) return bare;
      return name === 'neg' ? name : line(name, source(instruction, hex(k)));
    }
    case bpf.BPF_JMP: {
      if (code === bpf.JUMP) return line('ja', String(index + 1 + k));
      const name = JUMP_NAMES.get(bpf.operationOf(code));
      if (name === undefined || code > 0xff) return bare;
      const operand = source(instruction, constant(instruction, word));
      return line(name, `${operand}, ${index + 1 + jt}, ${index + 1 + jf}`);
    }
    case bpf.BPF_RET:
      if (code === bpf.RETURN) return line('ret', actionName(k));
      return code === (bpf.BPF_RET | bpf.BPF_A) ? line('ret', 'a') : bare;
    default:
      if (code === (bpf.BPF_MISC | bpf.BPF_TAX)) return 'tax';
      return code === (bpf.BPF_MISC | bpf.BPF_TXA) ? 'txa' : bare;
  }
}

function loadOperation({ code, k }: Instruction): string | undefined {
  const name = bpf.classOf(code) === bpf.BPF_LD ? 'ld' : 'ldx';
  switch (code & ~0x07) {
    case bpf.BPF_ABS:
      return name === 'ld' ? line(name, wordName(k)) : undefined;
    case bpf.BPF_IMM:
      return line(name, hex(k));
    case bpf.BPF_MEM:
      return line(name, `M[${k}]`);
    case bpf.BPF_LEN:
      return line(name, 'len');
    default:
      return undefined;
  }
}

function line(mnemonic: string, operands: string): string {
  return `${mnemonic.padEnd(4)} ${operands}`;
}

function source({ code }: Instruction, constant: string): string {
  return (code & bpf.BPF_X) === 0 ? constant : 'x';
}

function constant({ code, k }: Instruction, word: number | undefined): string {
  if (word === data.ARCHITECTURE) return ARCHITECTURE_NAMES.get(k) ?? hex(k);
  return word === data.NUMBER && code !== bpf.JUMP_SET ? String(k) : hex(k);
}

function wordName(offset: number): string {
  if (offset === data.NUMBER) return 'nr';
  if (offset === data.ARCHITECTURE) return 'arch';
  if (offset % 4 !== 0 || offset >= data.SECCOMP_DATA_SIZE) return `[${offset}]`;
  const half = offset % 8 === 0 ? 'low' : 'high';
  if (offset < data.ARGUMENTS) return `instruction_pointer ${half}`;
  return `args[${(offset - data.ARGUMENTS) >> 3}] ${half}`;
}

function actionName(value: number): string {
  const { action, data } = ret.splitReturnValue(value);
  const name = ACTION_NAMES.get(action);
  if (name === undefined) return hex(value);
  const withData = ACTIONS_WITH_DATA.has(action) || data !== 0;
  return withData ? `${name}(${data})` : name;
}

/** By instruction: the offset of the unmasked word in the accumulator, if it is the same on all ways there. */
function comparedWords(instructions: readonly Instruction[]): (number | undefined)[] {
  const NEVER_REACHED = -1;
  const words: (number | undefined)[] = instructions.map(() => NEVER_REACHED);
  const meet = (index: number, word: number | undefined): void => {
    words[index] = words[index] === NEVER_REACHED || words[index] === word ? word : undefined;
  };
  meet(0, undefined);
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    const kind = bpf.classOf(code);
    if (code === bpf.LOAD) {
      meet(index + 1, k);
    } else if (kind === bpf.BPF_JMP) {
      for (const distance of code === bpf.JUMP ? [k] : [jt, jf]) meet(index + 1 + distance, words[index]);
    } else if (kind === bpf.BPF_LD || kind === bpf.BPF_ALU || kind === bpf.BPF_MISC) {
      meet(index + 1, undefined);
    } else if (kind !== bpf.BPF_RET) {
      meet(index + 1, words[index]);
    }
  }
  return words;
}

function isComparison({ code }: Instruction): boolean {
  return code === bpf.JUMP_EQUAL || code === bpf.JUMP_GREATER || code === bpf.JUMP_GREATER_EQUAL;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
