/**
 * Random filters for property tests, and calls that lie at the borders of what a filter compares with.
 */
import * as fc from 'fast-check';
import { allow, and, errno, int, kill, long, not, notify, or, trace, when } from './expression.ts';
import type { Action, Condition, Expression } from './expression.ts';
import type { Call, Filter } from './filter.ts';
import { AUDIT_ARCH_AARCH64, AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, X32_SYSCALL_BIT } from './seccomp-data.ts';

// Mostly from a small set, so that conditions and outcomes meet again and are shared.
const word = fc.oneof(
  {
    arbitrary: fc.constantFrom(0, 1, 2, 3, 6, 0xff, 0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff),
    weight: 6,
  },
  { arbitrary: fc.integer({ min: 0, max: 20 }), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 31 }).map((bit) => 2 ** bit), weight: 1 },
  { arbitrary: fc.integer({ min: 0, max: 0xffffffff }), weight: 1 },
);
const doubleWord = fc.tuple(word, word).map(([high, low]) => (BigInt(high) << 32n) | BigInt(low));
const index = fc.constantFrom(0, 0, 0, 1, 1, 5);

const intCondition = fc
  .tuple(index, word, word, fc.array(word, { maxLength: 12 }))
  .chain(([index, value, mask, values]) =>
    fc.constantFrom(
      int(index).equals(value),
      int(index).in(values),
      int(index).hasAny(mask),
      int(index).hasNone(mask),
      int(index).masked(mask, value & mask),
      int(index).atMost(value),
    ),
  );
const longCondition = fc
  .tuple(index, doubleWord, doubleWord, fc.array(doubleWord, { maxLength: 12 }))
  .chain(([index, value, mask, values]) =>
    fc.constantFrom(
      long(index).equals(value),
      long(index).in(values),
      long(index).hasAny(mask),
      long(index).hasNone(mask),
      long(index).masked(mask, value & mask),
      long(index).atMost(value),
    ),
  );

export const condition: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    intCondition,
    longCondition,
    tie('condition').map(not),
    fc.array(tie('condition'), { maxLength: 4 }).map((conditions) => and(...conditions)),
    fc.array(tie('condition'), { maxLength: 4 }).map((conditions) => or(...conditions)),
  ),
})).condition;

export const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.constantFrom(allow, notify, kill, errno(1)), weight: 8 },
  fc.integer({ min: 0, max: 4095 }).map(errno),
  fc.integer({ min: 0, max: 65535 }).map(trace),
);

export const expression: fc.Arbitrary<Expression> = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    action,
    fc.tuple(condition, tie('expression'), tie('expression')).map((parts) => when(...parts)),
  ),
})).expression;

/** Call numbers as tables have them: mostly neighbours. */
const denseNumber = fc.integer({ min: 0, max: 40 });
const architecture = fc.constantFrom(AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64);

export const filter: fc.Arbitrary<Filter> = architecture.chain((architecture) => {
  const largest = architecture === AUDIT_ARCH_X86_64 ? X32_SYSCALL_BIT - 1 : 0xffffffff;
  const number = fc.oneof(denseNumber, fc.integer({ min: 0, max: largest }), fc.constant(largest));
  // Few expressions for many numbers, so that neighbours share one.
  return fc.array(expression, { minLength: 1, maxLength: 6 }).chain((expressions) =>
    fc.record({
      architecture: fc.constant(architecture),
      calls: fc
        .array(fc.tuple(number, fc.constantFrom(...expressions)), { maxLength: 40 })
        .map((entries) => new Map(entries)),
      unknown: action,
      foreignArchitecture: action,
      x32: action,
    }),
  );
});

/** A filter and calls that are likely to take every way through it. */
export const filterWithCalls = fc
  .tuple(filter, fc.array(callSeed(), { minLength: 20, maxLength: 60 }))
  .map(([filter, seeds]) => ({ filter, calls: callsFor(filter, seeds) }));

/** Numbers to pick by: which of the values that matter, and with what instead now and then. */
export interface CallSeed {
  readonly picks: readonly number[];
  readonly garbage: readonly number[];
}

export function callSeed(): fc.Arbitrary<CallSeed> {
  return fc.record({
    picks: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
    garbage: fc.array(word, { minLength: 6, maxLength: 6 }),
  });
}

/** One call for each seed, of numbers and argument values in and next to the filter's own. */
export function callsFor(filter: Filter, seeds: readonly CallSeed[]): Call[] {
  const numbers = [...filter.calls.keys()];
  const nearNumbers = [...numbers, ...numbers, ...numbers.flatMap((number) => [number - 1, number + 1])]
    .concat([0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xffffffff])
    .concat(numbers.map((number) => number | X32_SYSCALL_BIT))
    .map((number) => number >>> 0);
  const values = argumentValues([...filter.calls.values()]);
  return seeds.map(({ picks, garbage }) => {
    const [numberPick = 0, architecturePick = 0, ...argumentPicks] = picks;
    const argument = (index: number): bigint =>
      argumentNear(values, argumentPicks[index] ?? 0, garbage[index] ?? 0);
    return {
      architecture: architecturePick % 10 === 0 ? AUDIT_ARCH_I386 : filter.architecture,
      number: pickFrom(nearNumbers, numberPick),
      args: [argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)],
    };
  });
}

function argumentNear(values: readonly bigint[], pick: number, garbage: number): bigint {
  const value = pickFrom(values, pick >>> 3) + BigInt(((pick >>> 1) % 4) % 3) - 1n;
  const high = BigInt(garbage) << 32n;
  return BigInt.asUintN(64, pick % 2 === 0 ? value : BigInt.asUintN(32, value) | high);
}

function argumentValues(expressions: readonly Expression[]): bigint[] {
  const values = new Set<bigint>([0n, 0xffffffffn, 0x100000000n, 2n ** 64n - 1n]);
  const seen = new Set<Expression>();
  const fromCondition = (condition: Condition): void => {
    if (condition.kind === 'not') fromCondition(condition.condition);
    else if (condition.kind === 'and' || condition.kind === 'or') condition.conditions.forEach(fromCondition);
    else if (condition.kind === 'in') condition.values.forEach((value) => values.add(value));
    else if (condition.kind === 'atMost') values.add(condition.limit);
    else if (condition.kind === 'hasAny') values.add(condition.mask).add(~condition.mask);
    else values.add(condition.value).add(condition.value | ~condition.mask);
  };
  const fromExpression = (expression: Expression): void => {
    if (expression.kind !== 'if' || seen.has(expression)) return;
    seen.add(expression);
    fromCondition(expression.condition);
    fromExpression(expression.then);
    fromExpression(expression.otherwise);
  };
  expressions.forEach(fromExpression);
  return [...values];
}

function pickFrom<Value>(values: readonly Value[], pick: number): Value {
  const value = values[pick % values.length];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}
