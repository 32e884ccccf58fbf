/**
 * Patterns as a nondeterministic automaton over the bytes of a path: a tree in which those that begin alike share the nodes.
 * Stars loop at their node, so nothing is ever tried again: a set of nodes, moved on byte by byte, is all there is to know.
 */
import { SLASH } from './bytes.ts';
import { ANY, type NumberedPattern, PatternSymbols, STAR } from './pattern-symbols.ts';
import { NO_RANGE, NOWHERE, PrefixTree, type Range, ROOT, span } from './prefix-tree.ts';

export class PatternTree {
  readonly #symbols = new PatternSymbols();
  readonly #tree: PrefixTree;
  /** Behind each node the one that is a star, which may stand for nothing; NOWHERE for none. */
  readonly #starBehind: Int32Array;
  /** The step in which a node was last found. */
  readonly #foundIn: Float64Array;
  #steps = 0;
  /** The nodes that this step found, and how many. */
  readonly #found: Int32Array;
  #count = 0;
  #work = 0;

  constructor(patterns: readonly NumberedPattern[]) {
    this.#tree = new PrefixTree(patterns.flatMap((numbered) => this.#symbols.entriesOf(numbered)));
    const { size } = this.#tree;
    this.#starBehind = Int32Array.from({ length: size }, (_, node) => this.#tree.child(node, STAR));
    this.#foundIn = new Float64Array(2 * size);
    this.#found = new Int32Array(2 * size);
  }

  /** The bytes that stand in patterns by themselves, the slash in any case. */
  get bytes(): ReadonlySet<number> {
    const bytes = new Set([SLASH]);
    for (let node = ROOT + 1; node < this.#tree.size; node += 1)
      if (this.#tree.symbolOf(node) < STAR) bytes.add(this.#tree.symbolOf(node));
    return bytes;
  }

  /** The different sets of bytes in the patterns. */
  get sets(): readonly (readonly boolean[])[] {
    return this.#symbols.sets;
  }

  /** How many nodes and edges have been looked at so far. */
  get work(): number {
    return this.#work;
  }

  /** The nodes before the first byte: none where there are no patterns. */
  start(): Int32Array {
    this.#begin();
    if (this.#tree.size > ROOT + 1) this.#find(ROOT);
    return this.#result();
  }

  /**
   * The nodes behind one byte more.
   * @param nodes as start() and this give them: ascending, each once
   */
  step(nodes: Int32Array, byte: number): Int32Array {
    this.#begin();
    const { size } = this.#tree;
    for (const node of nodes) {
      if (node < size) this.#leave(node, byte);
      else this.#find(byte === SLASH ? node - size : node);
    }
    return this.#result();
  }

  /** What stands at these nodes where a name ends: the highest value, 0 for none. */
  valueAt(nodes: Int32Array): number {
    const { size } = this.#tree;
    let highest = 0;
    for (const node of nodes)
      highest = Math.max(highest, this.#tree.valueAt(node < size ? node : node - size));
    return highest;
  }

  /** What stands at these nodes and behind them. */
  rangeFrom(nodes: Int32Array): Range {
    const { size } = this.#tree;
    let range = NO_RANGE;
    for (const node of nodes) range = span(range, this.#tree.rangeFrom(node < size ? node : node - size));
    return range;
  }

  #leave(node: number, byte: number): void {
    const symbol = this.#tree.symbolOf(node);
    if (symbol === STAR && byte !== SLASH) this.#find(node);
    // Behind the slash begins what follows the `**`, or a name that it stands for, which has a number of its own up to the next slash.
    if (symbol === ANY) this.#find(byte === SLASH ? node : node + this.#tree.size);
    for (let child = this.#tree.firstChild(node); child !== NOWHERE; child = this.#tree.nextSibling(child)) {
      this.#work += 1;
      if (this.#symbols.matches(this.#tree.symbolOf(child), byte)) this.#find(child);
    }
  }

  #begin(): void {
    this.#steps += 1;
    this.#count = 0;
  }

  #find(node: number): void {
    this.#work += 1;
    if (this.#foundIn[node] === this.#steps) return;
    this.#foundIn[node] = this.#steps;
    this.#found[this.#count] = node;
    this.#count += 1;
    const star = this.#starBehind[node] ?? NOWHERE;
    if (star !== NOWHERE) this.#find(star);
  }

  #result(): Int32Array {
    return this.#found.subarray(0, this.#count).toSorted();
  }
}
