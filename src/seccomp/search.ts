/**
 * Switches: one word, many values. Neighbouring values with the same outcome become a range, and the ranges a binary
 * search by "at least" comparisons, with short rows of "equals" at its leaves where those are fewer.
 */
import { JUMP_EQUAL, JUMP_GREATER_EQUAL } from './bpf.ts';
import type { Graph, Node } from './graph.ts';

/** Most "equals" comparisons in a row. */
const LONGEST_ROW = 4;
const LARGEST_WORD = 0xffffffff;

interface Range {
  readonly first: number;
  readonly last: number;
  readonly node: Node;
}

/** Goes on to the node for the value of the word at `offset`, or to `otherwise` if there is none. */
export function search(
  graph: Graph,
  offset: number,
  cases: ReadonlyMap<number, Node>,
  otherwise: Node,
): Node {
  return searchRanges(graph, offset, toRanges(cases, otherwise));
}

/** Ranges that cover every word, each as long as it can be. */
function toRanges(cases: ReadonlyMap<number, Node>, otherwise: Node): Range[] {
  const ranges: Range[] = [];
  const append = (range: Range): void => {
    const before = ranges.at(-1);
    if (range.last < range.first) return;
    if (before?.node === range.node) {
      ranges[ranges.length - 1] = { first: before.first, last: range.last, node: range.node };
    } else {
      ranges.push(range);
    }
  };
  let next = 0;
  for (const [value, node] of [...cases].toSorted(([a], [b]) => a - b)) {
    append({ first: next, last: value - 1, node: otherwise });
    append({ first: value, last: value, node });
    next = value + 1;
  }
  append({ first: next, last: LARGEST_WORD, node: otherwise });
  return ranges;
}

function searchRanges(graph: Graph, offset: number, ranges: readonly Range[]): Node {
  const row = asRow(ranges);
  if (row !== undefined) {
    return row.singles.reduceRight(
      (rest, { first, node }) => graph.test({ offset, code: JUMP_EQUAL, operand: first }, node, rest),
      row.rest,
    );
  }
  const upper = ranges.slice(ranges.length >> 1);
  const lower = ranges.slice(0, ranges.length >> 1);
  return graph.test(
    { offset, code: JUMP_GREATER_EQUAL, operand: firstOf(upper).first },
    searchRanges(graph, offset, upper),
    searchRanges(graph, offset, lower),
  );
}

/** The single values apart from one outcome for the rest, if "equals" on each beats comparing at every border. */
function asRow(ranges: readonly Range[]): { singles: Range[]; rest: Node } | undefined {
  const rest = (ranges.find((range) => !isSingle(range)) ?? firstOf(ranges)).node;
  const singles = ranges.filter(({ node }) => node !== rest);
  const borders = ranges.length - 1;
  const fewer = singles.length < borders || singles.length <= 2;
  return fewer && singles.length <= LONGEST_ROW && singles.every(isSingle) ? { singles, rest } : undefined;
}

function isSingle({ first, last }: Range): boolean {
  return first === last;
}

function firstOf(ranges: readonly Range[]): Range {
  const first = ranges[0];
  if (first === undefined) throw new Error('no range');
  return first;
}
