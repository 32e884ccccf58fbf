/**
 * The judge of changes where a policy has more to say of them than which trees are writable: places in these that are denied,
 * and others in those that are writable again; patterns. Pure.
 */
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import type { PathSet } from './path-set.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

const WAY_RULE = refuse('a place that is denied by --write-deny lies below it, or would');

export class ChangeRules {
  readonly #rules: RuleIndex;
  /** Without what all changes are denied by: what a move is asked about are the exceptions from that. */
  readonly #exceptions: RuleIndex;

  constructor(rules: readonly Rule[]) {
    this.#rules = new RuleIndex(rules);
    this.#exceptions = new RuleIndex(rules.filter((rule) => !deniesAll(rule)));
  }

  /** Undefined where it is left to the writable trees. The path is absolute, as the kernel names it. */
  judge(path: Uint8Array, writable: PathSet): Verdict | undefined {
    const rule = this.#rules.decide(path);
    if (rule === undefined || deniesAll(rule)) return undefined;
    if (rule.effect === 'deny') return refuse(rule.said);
    return writable.locate(path).kind === 'outside' && !writable.isInterface(path) ? PERFORM : undefined;
  }

  /** True where a pattern allows changes in no writable tree. */
  allowsOutside(path: Uint8Array, writable: PathSet): boolean {
    return this.judge(path, writable) === PERFORM;
  }

  /**
   * The refusal of a move by which a denied place would be carried away with what it lies in, or something would come to lie at one.
   * Undefined where neither is so.
   */
  judgeMove(from: Uint8Array, to: Uint8Array): Verdict | undefined {
    const { frees, closes } = this.#exceptions.difference(from, to);
    return frees || closes ? WAY_RULE : undefined;
  }
}

function deniesAll({ effect, place }: Rule): boolean {
  return effect === 'deny' && place.kind === 'path' && place.path.length === 1;
}
