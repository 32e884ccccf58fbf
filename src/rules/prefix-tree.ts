/**
 * Sequences of symbols that share their beginnings, in one array: a node is a number. Memory is linear in what was put in, and
 * what is allocated beyond what sharing left is never touched.
 */

/** A sequence, and what stands at its end: a number above 0. Of several at the same end the highest counts. */
export interface Entry {
  readonly symbols: ArrayLike<number>;
  readonly value: number;
}

/** Between which of several numbers a number lies; none at all: see NO_RANGE. */
export interface Range {
  readonly lowest: number;
  readonly highest: number;
}

export const NO_RANGE: Range = { lowest: Infinity, highest: 0 };

export function span(one: Range, other: Range): Range {
  return { lowest: Math.min(one.lowest, other.lowest), highest: Math.max(one.highest, other.highest) };
}

/** No node: what is not there. Nothing stands there, and nothing follows. */
export const NOWHERE = 0;
/** Where nothing has been read yet. */
export const ROOT = 1;

/** What the array holds of each node, side by side: who looks at one looks at all. */
const FIELDS = 4;
const SYMBOL = 0;
const VALUE = 1;
const FIRST_CHILD = 2;
const SIBLING = 3;

export class PrefixTree {
  readonly #nodes: Int32Array;
  #size = ROOT + 1;
  #ranges: readonly Range[] | undefined;

  constructor(entries: readonly Entry[]) {
    const most = entries.reduce((sum, { symbols }) => sum + symbols.length, this.#size);
    this.#nodes = new Int32Array(most * FIELDS);
    for (const entry of entries) this.#add(entry);
  }

  /** Nodes are numbers below this. */
  get size(): number {
    return this.#size;
  }

  /** The node that a symbol leads to, or NOWHERE. */
  child(node: number, symbol: number): number {
    const nodes = this.#nodes;
    let child = nodes[node * FIELDS + FIRST_CHILD] ?? NOWHERE;
    while (child !== NOWHERE && nodes[child * FIELDS + SYMBOL] !== symbol)
      child = nodes[child * FIELDS + SIBLING] ?? NOWHERE;
    return child;
  }

  /** With nextSibling: all children, in no order; NOWHERE behind the last. */
  firstChild(node: number): number {
    return this.#nodes[node * FIELDS + FIRST_CHILD] ?? NOWHERE;
  }

  nextSibling(node: number): number {
    return this.#nodes[node * FIELDS + SIBLING] ?? NOWHERE;
  }

  /** What leads to a node. */
  symbolOf(node: number): number {
    return this.#nodes[node * FIELDS + SYMBOL] ?? 0;
  }

  /** What stands at a node; 0 for nothing. */
  valueAt(node: number): number {
    return this.#nodes[node * FIELDS + VALUE] ?? 0;
  }

  /** What stands at a node and behind it. */
  rangeFrom(node: number): Range {
    this.#ranges ??= this.#findRanges();
    return this.#ranges[node] ?? NO_RANGE;
  }

  #findRanges(): Range[] {
    const ranges = Array.from({ length: this.#size }, () => NO_RANGE);
    // Who leads to a node has a lower number.
    for (let node = this.#size - 1; node >= ROOT; node -= 1) {
      const value = this.valueAt(node);
      let range = value === 0 ? NO_RANGE : { lowest: value, highest: value };
      for (let child = this.firstChild(node); child !== NOWHERE; child = this.nextSibling(child))
        range = span(range, ranges[child] ?? NO_RANGE);
      ranges[node] = range;
    }
    return ranges;
  }

  #add({ symbols, value }: Entry): void {
    let node = ROOT;
    for (let i = 0; i < symbols.length; i += 1) {
      const symbol = symbols[i] ?? 0;
      const child = this.child(node, symbol);
      node = child === NOWHERE ? this.#addChild(node, symbol) : child;
    }
    this.#nodes[node * FIELDS + VALUE] = Math.max(value, this.valueAt(node));
  }

  #addChild(node: number, symbol: number): number {
    const child = this.#size;
    this.#size += 1;
    this.#nodes[child * FIELDS + SYMBOL] = symbol;
    this.#nodes[child * FIELDS + SIBLING] = this.firstChild(node);
    this.#nodes[node * FIELDS + FIRST_CHILD] = child;
    return child;
  }
}
