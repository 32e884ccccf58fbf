/** Which rule decides about a path. */
import { differenceBetween, type Difference } from './difference.ts';
import { PlaceAutomaton } from './place-automaton.ts';
import type { Rule } from './rule.ts';

export type { Difference } from './difference.ts';

/**
 * Answers for the rules of one kind of access. A look-up reads the path once, whatever the number of rules; patterns cost little
 * more than paths, but where a path goes on as none before it did. The index is made when it is first asked: rules that the kernel
 * holds need none.
 */
export class RuleIndex {
  /** Those that allow before those that deny: the number of a rule is its index and one, and the higher number wins. */
  readonly #rules: readonly Rule[];
  readonly #lastAllowing: number;
  #automaton: PlaceAutomaton | undefined;

  constructor(rules: readonly Rule[]) {
    const allowing = rules.filter(({ effect }) => effect === 'allow');
    this.#rules = [...allowing, ...rules.filter(({ effect }) => effect === 'deny')];
    this.#lastAllowing = allowing.length;
  }

  /**
   * The rule nearest to a file, of those at the same place one that denies; undefined where none says anything, and for what
   * is no path (`pipe:[1]`).
   * @param path absolute, as the kernel names it
   * @param length of the path, where the bytes go on behind it
   */
  decide(path: Uint8Array, length = path.length): Rule | undefined {
    return this.#rules[this.#places.find(path, length) - 1];
  }

  /** Whether the rule that decides denies: `decide` for those who need not name it. */
  isDenied(path: Uint8Array, length = path.length): boolean {
    return this.#denies(this.#places.find(path, length));
  }

  /** True where a rule may have its place below a directory: there is a name, if need be of a strange kind, that it means. */
  reachesBelow(directory: Uint8Array): boolean {
    return this.#places.leadsOn(this.#places.below(directory));
  }

  /** False where nothing in a directory is denied, itself included, whatever names come into being there. */
  mayDenyWithin(directory: Uint8Array): boolean {
    return this.#denies(this.#places.rangeFrom(this.#places.below(directory)).highest);
  }

  /**
   * What a directory would become by being moved from one place to another, itself and by whatever names lie in it. True is said
   * where there is such a name, false where there is none; what would take long to find out is said to be true.
   */
  difference(from: Uint8Array, to: Uint8Array): Difference {
    return differenceBetween(this.#places, from, to, (nearest) => this.#denies(nearest));
  }

  /** What the patterns have cost so far, for tests: nodes and edges looked at, and the states that are kept. */
  get effort(): { readonly looks: number; readonly states: number } {
    return this.#places.effort;
  }

  get #places(): PlaceAutomaton {
    this.#automaton ??= new PlaceAutomaton(
      this.#rules.map(({ place }, index) => ({ place, value: index + 1 })),
    );
    return this.#automaton;
  }

  #denies(nearest: number): boolean {
    return nearest > this.#lastAllowing;
  }
}
