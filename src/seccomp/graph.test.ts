import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, JUMP_SET, LOAD } from './bpf.ts';
import { Graph, enter } from './graph.ts';
import type { Node, Question } from './graph.ts';
import { run } from './interpret.ts';
import { layOut } from './layout.ts';
import { lowHalf } from './seccomp-data.ts';

const CODES = [JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, JUMP_SET];
const WHOLE_WORD = 0xffffffff;

test('equal tests with equal outcomes are one node, others are not', () => {
  const graph = new Graph();
  const [first, second] = [graph.return(1), graph.return(2)];
  const question: Question = { offset: 16, mask: 6, code: JUMP_EQUAL, operand: 2 };
  const node = graph.test(question, first, second);
  assert.equal(graph.return(1), first);
  assert.equal(graph.test({ ...question }, first, second), node);
  const others = [
    graph.test({ ...question, offset: 20 }, first, second),
    graph.test({ ...question, mask: 7 }, first, second),
    graph.test({ offset: 16, code: JUMP_EQUAL, operand: 2 }, first, second),
    graph.test({ ...question, code: JUMP_SET }, first, second),
    graph.test({ ...question, operand: 4 }, first, second),
    graph.test(question, second, first),
    graph.test(question, first, graph.return(3)),
  ];
  assert.equal(new Set([node, ...others]).size, 1 + others.length);
});

test('a test with a known outcome is no node', () => {
  const graph = new Graph();
  const [yes, no] = [graph.return(1), graph.return(2)];
  assert.equal(graph.test({ offset: 0, code: JUMP_EQUAL, operand: 1 }, yes, yes), yes);
  assert.equal(graph.test({ offset: 0, mask: 6, code: JUMP_EQUAL, operand: 1 }, yes, no), no);
  assert.equal(graph.test({ offset: 0, code: JUMP_SET, operand: 0 }, yes, no), no);
  assert.equal(graph.test({ offset: 0, code: JUMP_GREATER, operand: WHOLE_WORD }, yes, no), no);
  assert.equal(graph.test({ offset: 0, code: JUMP_GREATER_EQUAL, operand: 0 }, yes, no), yes);
  assert.throws(() => graph.test({ offset: 0, code: LOAD, operand: 0 }, yes, no), RangeError);
});

/** How often a row of tests on one word, each under a mask, loads the word. */
function loads(masks: readonly number[]): number {
  const graph = new Graph();
  const node = masks.reduceRight<Node>(
    (rest, mask, index) =>
      graph.test({ offset: 0, mask, code: JUMP_EQUAL, operand: mask }, graph.return(index), rest),
    graph.return(99),
  );
  return layOut(enter(node)).filter(({ code }) => code === LOAD).length;
}

test('a word is loaded again only where its masked bits are not enough', () => {
  assert.equal(loads([WHOLE_WORD, WHOLE_WORD - 1]), 1);
  assert.equal(loads([0xff, 0xff]), 1);
  assert.equal(loads([0xff, 0x0f, 0x0c]), 1);
  assert.equal(loads([0x0f, 0xff]), 2);
  assert.equal(loads([0x0f, WHOLE_WORD]), 2);
  assert.equal(loads([0x0f, 0xf0]), 2);
  assert.equal(loads([0x80000000, 0x80000000]), 1);
});

interface Choice {
  readonly question: Required<Question>;
  readonly yes: number;
  readonly no: number;
}

/** Tests on few words and masks, each of which goes on to one of those before it. */
const choices: fc.Arbitrary<Choice[]> = fc.array(
  fc.record({
    question: fc.record({
      offset: fc.constantFrom(lowHalf(0), lowHalf(1)),
      mask: fc.constantFrom(WHOLE_WORD, WHOLE_WORD, 1, 3, 5, 7),
      code: fc.constantFrom(...CODES),
      operand: fc.integer({ min: 0, max: 7 }),
    }),
    yes: fc.nat(),
    no: fc.nat(),
  }),
  { minLength: 1, maxLength: 25 },
);

test('a program goes the way of its graph, whatever the accumulator holds', () => {
  fc.assert(
    fc.property(choices, (choices) => {
      const graph = new Graph();
      const nodes: Node[] = [graph.return(1), graph.return(2), graph.return(3)];
      for (const { question, yes, no } of choices) {
        const [yesNode, noNode] = [nodes[yes % nodes.length], nodes[no % nodes.length]];
        assert.ok(yesNode !== undefined && noNode !== undefined);
        nodes.push(graph.test(question, yesNode, noNode));
      }
      const root = nodes.at(-1);
      assert.ok(root !== undefined);
      const instructions = layOut(enter(root));
      for (let first = 0n; first < 9n; first += 1n) {
        for (let second = 0n; second < 9n; second += 1n) {
          const call = { architecture: 0, number: 0, args: [first, second, 0n, 0n, 0n, 0n] } as const;
          assert.equal(run(instructions, call), follow(choices, [Number(first), Number(second)]));
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** The return value the choices lead to, from the last one on. */
function follow(choices: readonly Choice[], words: readonly [number, number]): number {
  let place = choices.length + 2;
  for (;;) {
    const choice = choices[place - 3];
    if (choice === undefined) return place + 1;
    const { offset, mask, code, operand } = choice.question;
    const word = (words[offset === lowHalf(0) ? 0 : 1] & mask) >>> 0;
    const answers = [word === operand, word > operand, word >= operand, (word & operand) !== 0];
    place = (answers[CODES.indexOf(code)] === true ? choice.yes : choice.no) % place;
  }
}
