/** What was refused, grouped and counted. Bounded: a target that provokes refusals without end does not fill memory. */
import type { Advice } from './advice.ts';
import { describeObject } from './describe.ts';
import type { Operation, ReferralEvent, ReportedObject } from './event.ts';

export interface RefusalGroup {
  readonly operation: Operation;
  readonly object: ReportedObject;
  readonly what: string;
  readonly advice: Advice;
  readonly count: number;
}

interface CountedGroup extends RefusalGroup {
  count: number;
}

const MAX_GROUPS = 500;
/** Kept apart, so that a flood of others does not hide an attempt at something sensitive. */
const MAX_SENSITIVE_GROUPS = 100;

export class Refusals {
  readonly #ordinary = new Map<string, CountedGroup>();
  readonly #sensitive = new Map<string, CountedGroup>();
  #total = 0;
  #ungrouped = 0;

  /** How many calls were refused. */
  get total(): number {
    return this.#total;
  }

  /** How many of them belong to no group, since there were too many kinds. */
  get ungrouped(): number {
    return this.#ungrouped;
  }

  /** All groups, in the order of their first appearance, the sensitive ones last. */
  get groups(): readonly RefusalGroup[] {
    return [...this.#ordinary.values(), ...this.#sensitive.values()];
  }

  /** Counts a refusal. `advise` is asked only for what was not seen before; its answer is returned. */
  add(event: ReferralEvent, advise: (event: ReferralEvent) => Advice): Advice {
    this.#total += 1;
    const { operation, object } = event;
    const what = object.kind === 'none' ? event.call : describeObject(object);
    // The rule decides what is advised, so it tells groups apart too.
    const key = `${operation} ${event.rule} ${what}`;
    const known = this.#ordinary.get(key) ?? this.#sensitive.get(key);
    if (known) {
      known.count += 1;
      return known.advice;
    }
    const advice = advise(event);
    const [groups, limit] =
      advice.kind === 'sensitive' ? [this.#sensitive, MAX_SENSITIVE_GROUPS] : [this.#ordinary, MAX_GROUPS];
    if (groups.size < limit) groups.set(key, { operation, object, what, advice, count: 1 });
    else this.#ungrouped += 1;
    return advice;
  }
}
