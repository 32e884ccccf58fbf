/**
 * What reads the bytes of a path and knows, where a name ends, which rule has its place there. Paths of rules are one tree,
 * patterns an automaton, and both are moved on with each byte: what a look-up costs depends on the path alone.
 */
import { SLASH } from './bytes.ts';
import { type ByteClasses, classifyBytes } from './byte-classes.ts';
import { isSameState, PatternAutomaton, type PatternState } from './pattern-automaton.ts';
import { PatternTree } from './pattern-tree.ts';
import { NOWHERE, PrefixTree, type Range, ROOT, span } from './prefix-tree.ts';
import type { RulePlace } from './rule.ts';

/** A place, and what stands for its rule: a number above 0. Of several rules with the same place the highest counts. */
export interface NumberedPlace {
  readonly place: RulePlace;
  readonly value: number;
}

/** Where the reading of a path has come to. */
export interface Position {
  /** In the tree of paths, or NOWHERE. */
  readonly literal: number;
  readonly state: PatternState;
  /** What stands for the rule at the last place that was left behind; 0 for none. */
  readonly nearest: number;
}

export class PlaceAutomaton {
  readonly #literals: PrefixTree;
  readonly #tree: PatternTree;
  readonly #classes: ByteClasses;
  readonly #patterns: PatternAutomaton;
  /** Where the last path ended: always the same object. */
  readonly #end: { -readonly [Key in keyof Position]: Position[Key] };

  constructor(places: readonly NumberedPlace[]) {
    this.#literals = new PrefixTree(
      places.flatMap(({ place, value }) =>
        place.kind === 'path' ? [{ symbols: withoutRoot(place.path), value }] : [],
      ),
    );
    this.#tree = new PatternTree(
      places.flatMap(({ place, value }) =>
        place.kind === 'pattern' ? [{ pattern: place.pattern, value }] : [],
      ),
    );
    this.#classes = classifyBytes(this.#tree.bytes, this.#tree.sets);
    this.#patterns = new PatternAutomaton(this.#tree, this.#classes);
    this.#end = { literal: NOWHERE, state: this.#patterns.dead, nearest: 0 };
  }

  /**
   * What stands for the rule nearest to a path, 0 where there is none.
   * @param path absolute, without trailing slash; what does not begin with a slash has no rule
   * @param length of the path in these bytes
   */
  find(path: Uint8Array, length: number): number {
    return path[0] === SLASH ? this.nearestAt(this.#read(path, length)) : 0;
  }

  /** The position behind a directory and a slash: where the names in it begin. */
  below(directory: Uint8Array): Position {
    return this.step(this.#read(directory, directory.length), SLASH);
  }

  /** Reads each byte once, and allocates nothing but what the automaton of the patterns finds out meanwhile. */
  #read(path: Uint8Array, length: number): Position {
    const end = this.#end;
    const { dead } = this.#patterns;
    let literal = ROOT;
    let state = this.#patterns.start;
    end.nearest = 0;
    for (let i = 0; i < (length === 1 ? 0 : length); i += 1) {
      const byte = path[i] ?? 0;
      if (byte === SLASH) end.nearest = Math.max(this.#literals.valueAt(literal), state.value) || end.nearest;
      if (literal !== NOWHERE) literal = this.#literals.child(literal, byte);
      if (state !== dead) state = this.#patterns.step(state, byte);
      else if (literal === NOWHERE) break;
    }
    end.literal = literal;
    end.state = state;
    return end;
  }

  /** Where one byte more leads. */
  step(position: Position, byte: number): Position {
    const { literal, state } = position;
    return {
      literal: literal === NOWHERE ? NOWHERE : this.#literals.child(literal, byte),
      state: this.#patterns.step(state, byte),
      nearest: byte === SLASH ? this.nearestAt(position) : position.nearest,
    };
  }

  /** What stands for the rule nearest to the path that was read, which ends here. */
  nearestAt({ literal, state, nearest }: Position): number {
    return Math.max(this.#literals.valueAt(literal), state.value) || nearest;
  }

  /** Between what the answers of `nearestAt` lie, here and behind whatever bytes. */
  rangeFrom({ literal, state, nearest }: Position): Range {
    const here = { lowest: nearest, highest: nearest };
    return span(here, span(this.#literals.rangeFrom(literal), this.#tree.rangeFrom(state.nodes)));
  }

  /** True where some bytes lead to the place of a rule from here. */
  leadsOn({ literal, state }: Position): boolean {
    return literal !== NOWHERE || state.nodes.length > 0;
  }

  /** Bytes that lead two positions to every pair of positions that some byte leads them to, but those from where nothing leads on. */
  bytesFrom(one: Position, other: Position): number[] {
    const literal = new Set([...this.#literalBytes(one), ...this.#literalBytes(other)]);
    if (one.state.nodes.length === 0 && other.state.nodes.length === 0) return [...literal];
    const others = this.#classes.members.flatMap((bytes) => bytes.find((byte) => !literal.has(byte)) ?? []);
    return [...literal, ...others];
  }

  #literalBytes({ literal }: Position): number[] {
    const bytes: number[] = [];
    for (
      let child = this.#literals.firstChild(literal);
      child !== NOWHERE;
      child = this.#literals.nextSibling(child)
    )
      bytes.push(this.#literals.symbolOf(child));
    return bytes;
  }

  /** What the patterns have cost so far: nodes and edges looked at; and the states that are kept. */
  get effort(): { readonly looks: number; readonly states: number } {
    return { looks: this.#tree.work, states: this.#patterns.size };
  }
}

/** True where the same follows on whatever bytes, until a rule is met and if none is. */
export function leadAlike(one: Position, other: Position): boolean {
  return one.literal === other.literal && isSameState(one.state, other.state);
}

/** A path as the trees have it: what follows the root directory begins with a slash, so that the root itself is nothing. */
function withoutRoot(path: Uint8Array): Uint8Array {
  return path.length === 1 ? path.subarray(1) : path;
}
