/**
 * Expressions as graphs of tests on 32-bit words. A 64-bit argument is two words, the high one asked first.
 */
import { JUMP_EQUAL, JUMP_GREATER, JUMP_SET } from './bpf.ts';
import type { Comparison, Condition, Expression } from './expression.ts';
import type { Graph, Node } from './graph.ts';
import { encodeAction } from './return-value.ts';
import { search } from './search.ts';
import { highHalf, lowHalf } from './seccomp-data.ts';

type Branch = Extract<Expression, { kind: 'if' }>;

/** Turns expressions into nodes of one graph; an expression object met again is not walked again. */
export class Lowering {
  readonly #graph: Graph;
  readonly #known = new Map<Branch, Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The node to start at for the action of the expression. */
  lower(expression: Expression): Node {
    const branches: Branch[] = [];
    let node: Node;
    // A loop along `otherwise`, as a switch may be thousands of branches long.
    for (let rest = expression; ; rest = rest.otherwise) {
      if (rest.kind !== 'if') {
        node = this.#graph.return(encodeAction(rest));
        break;
      }
      const known = this.#known.get(rest);
      if (known !== undefined) {
        node = known;
        break;
      }
      branches.push(rest);
    }
    for (const branch of branches.toReversed()) {
      node = lowerCondition(this.#graph, branch.condition, this.lower(branch.then), node);
      this.#known.set(branch, node);
    }
    return node;
  }
}

function lowerCondition(graph: Graph, condition: Condition, yes: Node, no: Node): Node {
  if (condition.kind === 'and') {
    return condition.conditions.reduceRight((rest, each) => lowerCondition(graph, each, rest, no), yes);
  }
  if (condition.kind === 'or') {
    return condition.conditions.reduceRight((rest, each) => lowerCondition(graph, each, yes, rest), no);
  }
  if (condition.kind === 'not') return lowerCondition(graph, condition.condition, no, yes);
  return condition.argument.width === 32
    ? lowerInt(graph, condition, yes, no)
    : lowerLong(graph, condition, yes, no);
}

function lowerInt(graph: Graph, comparison: Comparison, yes: Node, no: Node): Node {
  const word = lowHalf(comparison.argument.index);
  if (comparison.kind === 'in') return isIn(graph, word, comparison.values.map(Number), yes, no);
  if (comparison.kind === 'hasAny') return hasAny(graph, word, Number(comparison.mask), yes, no);
  if (comparison.kind === 'masked') {
    return masked(graph, word, Number(comparison.mask), Number(comparison.value), yes, no);
  }
  return atMost(graph, word, Number(comparison.limit), yes, no);
}

function lowerLong(graph: Graph, comparison: Comparison, yes: Node, no: Node): Node {
  const low = lowHalf(comparison.argument.index);
  const high = highHalf(comparison.argument.index);
  if (comparison.kind === 'in') {
    const cases = new Map<number, Node>();
    for (const [highValue, lowValues] of groupByHigh(comparison.values)) {
      cases.set(highValue, isIn(graph, low, lowValues, yes, no));
    }
    return search(graph, high, cases, no);
  }
  if (comparison.kind === 'hasAny') {
    const mask = halves(comparison.mask);
    return hasAny(graph, high, mask.high, yes, hasAny(graph, low, mask.low, yes, no));
  }
  if (comparison.kind === 'masked') {
    const mask = halves(comparison.mask);
    const value = halves(comparison.value);
    const lowHolds = masked(graph, low, mask.low, value.low, yes, no);
    return masked(graph, high, mask.high, value.high, lowHolds, no);
  }
  const limit = halves(comparison.limit);
  const atLimit = atMost(graph, low, limit.low, yes, no);
  const isLimit = { offset: high, code: JUMP_EQUAL, operand: limit.high };
  // Nothing is below a high half of 0.
  if (limit.high === 0) return graph.test(isLimit, atLimit, no);
  return atMost(graph, high, limit.high, graph.test(isLimit, atLimit, yes), no);
}

function isIn(graph: Graph, offset: number, values: readonly number[], yes: Node, no: Node): Node {
  return search(graph, offset, new Map(values.map((value) => [value, yes])), no);
}

function hasAny(graph: Graph, offset: number, mask: number, yes: Node, no: Node): Node {
  return graph.test({ offset, code: JUMP_SET, operand: mask }, yes, no);
}

function masked(graph: Graph, offset: number, mask: number, value: number, yes: Node, no: Node): Node {
  const singleBit = (mask & (mask - 1)) === 0;
  if (value === 0) return hasAny(graph, offset, mask, no, yes);
  if (value === mask && singleBit) return hasAny(graph, offset, mask, yes, no);
  return graph.test({ offset, mask, code: JUMP_EQUAL, operand: value }, yes, no);
}

function atMost(graph: Graph, offset: number, limit: number, yes: Node, no: Node): Node {
  return graph.test({ offset, code: JUMP_GREATER, operand: limit }, no, yes);
}

function halves(value: bigint): { high: number; low: number } {
  return { high: Number(value >> 32n), low: Number(BigInt.asUintN(32, value)) };
}

function groupByHigh(values: readonly bigint[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const value of values) {
    const { high, low } = halves(value);
    const group = groups.get(high);
    if (group === undefined) groups.set(high, [low]);
    else group.push(low);
  }
  return groups;
}
