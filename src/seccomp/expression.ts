/**
 * The language of filters. Values are immutable trees, made by the functions below:
 *
 *     expression = action | when(condition, expression, expression)
 *     action     = allow | errno(n) | trace(n) | notify | kill
 *     condition  = comparison | and(condition…) | or(condition…) | not(condition)
 *     comparison = argument.equals(v) | .in(values) | .hasAny(mask) | .hasNone(mask) | .masked(mask, v) | .atMost(v)
 *     argument   = int(index) | long(index) | pointer(index)
 */

/** What the kernel does with a call: the SECCOMP_RET_* actions of seccomp(2) that this program uses. */
export type Action =
  | { readonly kind: 'allow' }
  | { readonly kind: 'errno'; readonly errno: number }
  | { readonly kind: 'trace'; readonly data: number }
  | { readonly kind: 'notify' }
  | { readonly kind: 'kill' };

/** A register of the call, and how many of its bits the kernel's own code for the call looks at. */
export interface Argument {
  readonly index: number;
  readonly width: 32 | 64;
}

/** A question about one argument. Values are unsigned and fit the argument's width. */
export type Comparison =
  | { readonly kind: 'in'; readonly argument: Argument; readonly values: readonly bigint[] }
  | { readonly kind: 'hasAny'; readonly argument: Argument; readonly mask: bigint }
  | { readonly kind: 'masked'; readonly argument: Argument; readonly mask: bigint; readonly value: bigint }
  | { readonly kind: 'atMost'; readonly argument: Argument; readonly limit: bigint };

export type Condition =
  | Comparison
  | { readonly kind: 'and'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'or'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'not'; readonly condition: Condition };

export type Expression =
  | Action
  | {
      readonly kind: 'if';
      readonly condition: Condition;
      readonly then: Expression;
      readonly otherwise: Expression;
    };

/** The comparisons of an argument with values of the type that fits its width. */
export interface Comparisons<Value> {
  equals(value: Value): Condition;
  /** Equals one of the values; of none, never. */
  in(values: Iterable<Value>): Condition;
  /** Has at least one bit of the mask. */
  hasAny(mask: Value): Condition;
  /** Has no bit of the mask. */
  hasNone(mask: Value): Condition;
  /** The bits under the mask equal `value`. Throws RangeError if `value` has bits outside the mask: it could never hold. */
  masked(mask: Value, value: Value): Condition;
  /** At most `limit`, both read as unsigned. */
  atMost(limit: Value): Condition;
}

export type IntArgument = Comparisons<number>;
export type LongArgument = Comparisons<bigint>;

/** Run the call (SECCOMP_RET_ALLOW). */
export const allow: Action = { kind: 'allow' };
/** Refer the call to the supervisor (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)). */
export const notify: Action = { kind: 'notify' };
/** Kill the whole process (SECCOMP_RET_KILL_PROCESS). */
export const kill: Action = { kind: 'kill' };

/** Fail the call with this error (SECCOMP_RET_ERRNO); 0 makes it succeed without being run. RangeError beyond 4095. */
export function errno(errno: number): Action {
  requireInteger(errno, 0, 4095, 'errno');
  return { kind: 'errno', errno };
}

/** Refer the call to the tracer, which gets `data` by PTRACE_GETEVENTMSG (SECCOMP_RET_TRACE). RangeError beyond 65535. */
export function trace(data: number): Action {
  requireInteger(data, 0, 65535, 'trace data');
  return { kind: 'trace', data };
}

/**
 * The argument with this index, 0 to 5, where the kernel takes an int: its low 32 bits are compared, as the kernel
 * ignores the others (CVE-2019-10063). Values may be given signed or unsigned; RangeError outside [-2^31, 2^32).
 */
export function int(index: number): IntArgument {
  return comparisons({ index, width: 32 }, (value) => {
    requireInteger(value, -(2 ** 31), 2 ** 32 - 1, 'int value');
    return BigInt(value >>> 0);
  });
}

/**
 * The argument with this index, 0 to 5, where the kernel takes a long: all 64 bits are compared. Values may be given
 * signed or unsigned; RangeError outside [-2^63, 2^64).
 */
export function long(index: number): LongArgument {
  return comparisons({ index, width: 64 }, (value) => {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) {
      throw new RangeError(`long value ${value} is outside [-2^63, 2^64)`);
    }
    return BigInt.asUintN(64, value);
  });
}

/** As `long`, for an address. */
export const pointer = long;

/** All conditions hold; of none, true. */
export function and(...conditions: Condition[]): Condition {
  return { kind: 'and', conditions };
}

/** At least one condition holds; of none, false. */
export function or(...conditions: Condition[]): Condition {
  return { kind: 'or', conditions };
}

/** The condition does not hold. */
export function not(condition: Condition): Condition {
  return { kind: 'not', condition };
}

/** `then` where the condition holds, else `otherwise`. */
export function when(condition: Condition, then: Expression, otherwise: Expression): Expression {
  // oxlint-disable-next-line unicorn/no-thenable -- an expression is data and never awaited
  return { kind: 'if', condition, then, otherwise };
}

function comparisons<Value>(argument: Argument, unsigned: (value: Value) => bigint): Comparisons<Value> {
  requireInteger(argument.index, 0, 5, 'argument index');
  const hasAny = (mask: Value): Condition => ({ kind: 'hasAny', argument, mask: unsigned(mask) });
  return {
    equals: (value) => ({ kind: 'in', argument, values: [unsigned(value)] }),
    in: (values) => ({ kind: 'in', argument, values: Array.from(values, unsigned) }),
    hasAny,
    hasNone: (mask) => not(hasAny(mask)),
    masked: (mask, value) => {
      const comparison = { kind: 'masked', argument, mask: unsigned(mask), value: unsigned(value) } as const;
      if ((comparison.value & ~comparison.mask) !== 0n) {
        throw new RangeError(
          `masked value ${String(value)} has bits outside its mask ${String(mask)}: it could never hold`,
        );
      }
      return comparison;
    },
    atMost: (limit) => ({ kind: 'atMost', argument, limit: unsigned(limit) }),
  };
}

function requireInteger(value: number, least: number, most: number, what: string): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${what} ${value} is not an integer from ${least} to ${most}`);
  }
}
