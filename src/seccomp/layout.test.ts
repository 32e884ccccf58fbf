import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JUMP, JUMP_EQUAL, JUMP_SET, RETURN } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { Graph, enter } from './graph.ts';
import type { Node } from './graph.ts';
import { run } from './interpret.ts';
import { layOut } from './layout.ts';
import { encodeAction } from './return-value.ts';
import { trace } from './expression.ts';
import { lowHalf, NUMBER } from './seccomp-data.ts';
import { verify } from './verify.ts';

const HIT = encodeAction(trace(1));
const MISS = encodeAction(trace(2));
const OTHER = encodeAction(trace(3));

function runWith(instructions: readonly Instruction[], number: number, first: bigint): number {
  return run(instructions, { architecture: 0, number, args: [first, 0n, 0n, 0n, 0n, 0n] });
}

/** A row of "equals 0", "equals 1"… on one word. */
function row(graph: Graph, offset: number, length: number, hit: Node, miss: Node): Node {
  let node = miss;
  for (let operand = length - 1; operand >= 0; operand -= 1) {
    node = graph.test({ offset, code: JUMP_EQUAL, operand }, hit, node);
  }
  return node;
}

test('a branch to a return over every distance around 255', () => {
  for (const around of [250, 506, 762]) {
    for (let length = around; length <= around + 12; length += 1) {
      const graph = new Graph();
      const instructions = layOut(enter(row(graph, NUMBER, length, graph.return(HIT), graph.return(MISS))));
      verify(instructions);
      // The row, its load, and both returns, one of them once more each time it is out of reach.
      const copies = Math.floor((length - 1) / 256);
      assert.equal(instructions.length, length + 3 + copies, `row of ${length}`);
      assert.ok(instructions.every(({ code }) => code !== JUMP));
      for (const number of [0, 1, length - 258, length - 257, length - 256, length - 255, length - 1]) {
        assert.equal(runWith(instructions, number, 0n), number >= 0 ? HIT : MISS, `${number} of ${length}`);
      }
      assert.equal(runWith(instructions, length, 0n), MISS);
    }
  }
});

test('a branch to a step that is no return over every distance around 255', () => {
  for (const around of [250, 506]) {
    for (let length = around; length <= around + 12; length += 1) {
      const graph = new Graph();
      const hit = graph.test(
        { offset: lowHalf(0), code: JUMP_SET, operand: 1 },
        graph.return(HIT),
        graph.return(OTHER),
      );
      const instructions = layOut(enter(row(graph, NUMBER, length, hit, graph.return(MISS))));
      verify(instructions);
      for (let number = 0; number < length; number += 5) {
        assert.equal(runWith(instructions, number, 1n), HIT);
        assert.equal(runWith(instructions, number, 0n), OTHER);
      }
      assert.equal(runWith(instructions, length, 1n), MISS);
    }
  }
});

test('both branches too far at once', () => {
  for (let length = 250; length <= 262; length += 1) {
    const graph = new Graph();
    const [hit, miss] = [graph.return(HIT), graph.return(MISS)];
    const low = row(graph, lowHalf(0), length, hit, miss);
    const high = row(graph, lowHalf(1), length, miss, hit);
    // The last test is met first on the way back, when both of its branches are long placed.
    const between = row(graph, lowHalf(2), 300, low, high);
    const top = graph.test({ offset: NUMBER, code: JUMP_EQUAL, operand: 7 }, low, high);
    const start = graph.test({ offset: NUMBER, code: JUMP_SET, operand: 8 }, between, top);
    const instructions = layOut(enter(start));
    verify(instructions);
    assert.equal(runWith(instructions, 7, 0n), HIT);
    assert.equal(runWith(instructions, 7, BigInt(length)), MISS);
    assert.equal(runWith(instructions, 6, 0n), MISS);
    assert.equal(runWith(instructions, 8, 0n), HIT);
  }
});

test('a short program has no unconditional jump and each return once', () => {
  const graph = new Graph();
  const instructions = layOut(enter(row(graph, NUMBER, 200, graph.return(HIT), graph.return(MISS))));
  assert.equal(instructions.length, 203);
  assert.equal(instructions.filter(({ code }) => code === JUMP).length, 0);
  assert.equal(instructions.filter(({ code }) => code === RETURN).length, 2);
});
