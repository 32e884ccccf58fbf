/**
 * Patterns as a deterministic automaton, made while it is used: a set of nodes of the tree is a state, and where one byte leads
 * from there is found out once. There may be exponentially many states, and who is confined chooses the paths; so only so many
 * are kept: then all are forgotten, and a byte costs what its nodes cost (PatternTree), never more.
 */
import type { ByteClasses } from './byte-classes.ts';
import type { PatternTree } from './pattern-tree.ts';

export interface PatternState {
  /** Each state that was made has another. */
  readonly number: number;
  /** Of the tree, ascending. */
  readonly nodes: Int32Array;
  /** What counts where a name ends here: see PatternTree.valueAt. */
  readonly value: number;
  /** By class of bytes; undefined: not found out yet. */
  readonly next: (PatternState | undefined)[];
}

/** Kept at most: states, each with a row of up to 256 words; and nodes in them, all together. */
const MAX_STATES = 2048;
const MAX_NODES = 1 << 18;

export class PatternAutomaton {
  /** From here nothing leads anywhere: no pattern can match any more. */
  readonly dead: PatternState;
  readonly start: PatternState;
  readonly #tree: PatternTree;
  readonly #classes: ByteClasses;
  /** By the hash of their nodes; of several with the same one the latest, so that no list of them can grow. */
  readonly #states = new Map<number, PatternState>();
  #stateCount = 0;
  #nodeCount = 0;
  #made = 0;

  constructor(tree: PatternTree, classes: ByteClasses) {
    this.#tree = tree;
    this.#classes = classes;
    this.dead = this.#make(new Int32Array(0));
    this.dead.next.fill(this.dead);
    const nodes = tree.start();
    this.start = nodes.length === 0 ? this.dead : this.#make(nodes);
  }

  /** How many states are kept. */
  get size(): number {
    return this.#stateCount;
  }

  /** Where a byte leads. Equal states are mostly one object, but need not be: see isSameState. */
  step(state: PatternState, byte: number): PatternState {
    return state.next[this.#classes.of[byte] ?? 0] ?? this.#findOut(state, byte);
  }

  #findOut(state: PatternState, byte: number): PatternState {
    const nodes = this.#tree.step(state.nodes, byte);
    const next = nodes.length === 0 ? this.dead : this.#stateOf(nodes);
    state.next[this.#classes.of[byte] ?? 0] = next;
    return next;
  }

  #stateOf(nodes: Int32Array): PatternState {
    const hash = hashOf(nodes);
    const known = this.#states.get(hash);
    if (known !== undefined && isSame(known.nodes, nodes)) return known;
    if (this.#stateCount >= MAX_STATES || this.#nodeCount + nodes.length > MAX_NODES) this.#forget();
    const made = this.#make(nodes);
    this.#states.set(hash, made);
    return made;
  }

  #make(nodes: Int32Array): PatternState {
    this.#made += 1;
    this.#stateCount += 1;
    this.#nodeCount += nodes.length;
    const next = this.#classes.members.map(() => undefined);
    return { number: this.#made, nodes, value: this.#tree.valueAt(nodes), next };
  }

  /** Whoever still holds a state may go on with it: it is only not found again. */
  #forget(): void {
    this.#states.clear();
    this.start.next.fill(undefined);
    this.#stateCount = 0;
    this.#nodeCount = 0;
  }
}

/** True where the same follows on whatever bytes. */
export function isSameState(one: PatternState, other: PatternState): boolean {
  return one === other || isSame(one.nodes, other.nodes);
}

/** FNV-1a, a node at a time. */
function hashOf(nodes: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const node of nodes) hash = Math.imul(hash ^ node, 0x01000193);
  return hash;
}

function isSame(some: Int32Array, others: Int32Array): boolean {
  return some.length === others.length && some.every((node, i) => node === others[i]);
}
