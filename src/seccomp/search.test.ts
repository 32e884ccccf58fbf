import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Graph, enter } from './graph.ts';
import { run } from './interpret.ts';
import { layOut } from './layout.ts';
import { search } from './search.ts';
import { NUMBER } from './seccomp-data.ts';

const OTHERWISE = 99;
const outcomes = fc.integer({ min: 1, max: 3 });
const values = fc.oneof(
  fc.integer({ min: 0, max: 30 }),
  fc.constantFrom(0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);

test('every value has the outcome of its case', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(values, outcomes), { maxLength: 40 }), (entries) => {
      const cases = new Map(entries);
      const instructions = compileSearch(cases);
      for (const value of [...cases.keys()].flatMap((value) => [value - 1, value, value + 1])) {
        const number = value >>> 0;
        assert.equal(outcome(instructions, number), cases.get(number) ?? OTHERWISE);
      }
    }),
  );
});

test('the number of comparisons', () => {
  const cases: [name: string, entries: [number, number][], comparisons: number][] = [
    ['nothing', [], 0],
    ['one value', [[5, 1]], 1],
    ['the smallest value', [[0, 1]], 1],
    ['the largest value', [[0xffffffff, 1]], 1],
    ['four values far apart', [2, 4, 6, 8].map((value) => [value, 1]), 4],
    ['a range', [2, 3, 4, 5].map((value) => [value, 1]), 2],
    ['a range from 0', [0, 1, 2, 3].map((value) => [value, 1]), 1],
    ['a range with a hole', [0, 1, 2, 4, 5, 6].map((value) => [value, 1]), 3],
    ['neighbours with outcomes of their own', [0, 1, 2, 3].map((value) => [value, value + 1]), 4],
  ];
  for (const [name, entries, comparisons] of cases) {
    const returns = new Set([OTHERWISE, ...entries.map(([, outcome]) => outcome)]).size;
    const loads = entries.length === 0 ? 0 : 1;
    assert.equal(compileSearch(new Map(entries)).length - returns - loads, comparisons, name);
  }
});

function compileSearch(cases: ReadonlyMap<number, number>) {
  const graph = new Graph();
  const nodes = new Map([...cases].map(([value, outcome]) => [value, graph.return(outcome)]));
  return layOut(enter(search(graph, NUMBER, nodes, graph.return(OTHERWISE))));
}

function outcome(instructions: ReturnType<typeof compileSearch>, number: number): number {
  return run(instructions, { architecture: 0, number, args: [0n, 0n, 0n, 0n, 0n, 0n] });
}
