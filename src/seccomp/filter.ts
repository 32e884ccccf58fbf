/**
 * A filter as a total function from call to action, and its direct evaluation: the meaning that the compiled program
 * must have.
 */
import type { Action, Comparison, Condition, Expression } from './expression.ts';
import { AUDIT_ARCH_X86_64, X32_SYSCALL_BIT } from './seccomp-data.ts';

/** A total function from call to action. */
export interface Filter {
  /** The one architecture whose calls are looked at: an AUDIT_ARCH_* value. */
  readonly architecture: number;
  /** By system call number. On x86-64 no number has the x32 bit: those calls are decided by `x32`. */
  readonly calls: ReadonlyMap<number, Expression>;
  /** For numbers not in `calls`. */
  readonly unknown: Action;
  /** For calls of any other architecture, such as int 0x80 on x86-64. */
  readonly foreignArchitecture: Action;
  /** For numbers with the x32 bit on x86-64 (that includes -1); unused on other architectures. */
  readonly x32: Action;
}

/** The registers of a system call, as in struct seccomp_data. */
export interface Call {
  readonly architecture: number;
  /** Unsigned 32 bits. */
  readonly number: number;
  /** Signed or unsigned 64 bits. */
  readonly args: readonly [bigint, bigint, bigint, bigint, bigint, bigint];
}

/** What the filter says about the call. Never throws. */
export function evaluate(filter: Filter, call: Call): Action {
  if (call.architecture !== filter.architecture) return filter.foreignArchitecture;
  if (isX32(filter.architecture, call.number)) return filter.x32;
  let expression = filter.calls.get(call.number) ?? filter.unknown;
  while (expression.kind === 'if') {
    expression = holds(expression.condition, call) ? expression.then : expression.otherwise;
  }
  return expression;
}

/** Whether the number is one of the x32 ABI, which shares the audit architecture of x86-64. */
export function isX32(architecture: number, number: number): boolean {
  return architecture === AUDIT_ARCH_X86_64 && (number & X32_SYSCALL_BIT) !== 0;
}

function holds(condition: Condition, call: Call): boolean {
  if (condition.kind === 'and') return condition.conditions.every((each) => holds(each, call));
  if (condition.kind === 'or') return condition.conditions.some((each) => holds(each, call));
  if (condition.kind === 'not') return !holds(condition.condition, call);
  return compare(condition, call);
}

function compare(comparison: Comparison, call: Call): boolean {
  const { index, width } = comparison.argument;
  const value = BigInt.asUintN(width, call.args[index] ?? 0n);
  if (comparison.kind === 'in') return comparison.values.includes(value);
  if (comparison.kind === 'hasAny') return (value & comparison.mask) !== 0n;
  if (comparison.kind === 'masked') return (value & comparison.mask) === comparison.value;
  return value <= comparison.limit;
}
