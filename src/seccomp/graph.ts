/**
 * A program as a graph of steps, built from its returns backwards. Equal tests with equal outcomes are one node
 * (hash-consing), so whatever two calls have in common is in the program once.
 *
 * A node asks about a word of struct seccomp_data. Where to enter it depends on what the accumulator holds already:
 * at the load, behind the load, or behind the masking. So a word is loaded once for a row of tests on it.
 */
import { JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, JUMP_SET } from './bpf.ts';

/** An instruction whose successors are steps, not distances. `height` is the longest way from here to a return. */
export type Step =
  | { readonly kind: 'return'; readonly value: number; readonly height: number }
  | { readonly kind: 'load'; readonly offset: number; readonly next: Step; readonly height: number }
  | { readonly kind: 'and'; readonly mask: number; readonly next: Step; readonly height: number }
  | JumpStep;

export interface JumpStep {
  readonly kind: 'jump';
  readonly code: number;
  readonly operand: number;
  readonly yes: Step;
  readonly no: Step;
  readonly height: number;
}

/** A question about the word at `offset`, after masking: the opcode of a conditional jump and its operand. */
export interface Question {
  readonly offset: number;
  readonly mask?: number;
  readonly code: number;
  readonly operand: number;
}

export type Node =
  | { readonly kind: 'return'; readonly id: number; readonly step: Step }
  | {
      readonly kind: 'test';
      readonly id: number;
      readonly held: Accumulator;
      readonly load: Step;
      readonly mask: Step;
      readonly jump: Step;
    };

/** What the accumulator holds: a word of struct seccomp_data, masked. */
interface Accumulator {
  readonly offset: number;
  readonly mask: number;
}

const WHOLE_WORD = 0xffffffff;

export class Graph {
  readonly #nodes = new Map<string, Node>();

  /** The end of the program with this return value. */
  return(value: number): Node {
    return this.#share(`return ${value}`, (id) => ({
      kind: 'return',
      id,
      step: { kind: 'return', value, height: 0 },
    }));
  }

  /** Goes on to `yes` or `no` as the question is answered; a question with a known answer costs nothing. */
  test(question: Question, yes: Node, no: Node): Node {
    const { offset, mask = WHOLE_WORD, code, operand } = question;
    if (yes === no) return yes;
    const answer = knownAnswer(code, operand, mask);
    if (answer !== undefined) return answer ? yes : no;
    const held = { offset, mask };
    return this.#share(`${offset} ${mask} ${code} ${operand} ${yes.id} ${no.id}`, (id) => {
      const jump = jumpStep(code, operand, enter(yes, held), enter(no, held));
      const masked: Step =
        mask === WHOLE_WORD ? jump : { kind: 'and', mask, next: jump, height: jump.height + 1 };
      const load: Step = { kind: 'load', offset, next: masked, height: masked.height + 1 };
      return { kind: 'test', id, held, load, mask: masked, jump };
    });
  }

  #share(key: string, make: (id: number) => Node): Node {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node = make(this.#nodes.size);
    this.#nodes.set(key, node);
    return node;
  }
}

/** The step to enter a node at, with nothing known of the accumulator unless told. */
export function enter(node: Node, accumulator?: Accumulator): Step {
  if (node.kind === 'return') return node.step;
  const { held } = node;
  if (accumulator?.offset !== held.offset) return node.load;
  if (accumulator.mask === held.mask) return node.jump;
  const keepsEnough = (accumulator.mask & held.mask) >>> 0 === held.mask;
  return keepsEnough && node.mask !== node.jump ? node.mask : node.load;
}

function jumpStep(code: number, operand: number, yes: Step, no: Step): JumpStep {
  return { kind: 'jump', code, operand, yes, no, height: Math.max(yes.height, no.height) + 1 };
}

function knownAnswer(code: number, operand: number, mask: number): boolean | undefined {
  switch (code) {
    case JUMP_EQUAL:
      return (operand & ~mask) === 0 ? undefined : false;
    case JUMP_SET:
      return operand === 0 ? false : undefined;
    case JUMP_GREATER:
      return operand === WHOLE_WORD ? false : undefined;
    case JUMP_GREATER_EQUAL:
      return operand === 0 ? true : undefined;
    default:
      throw new RangeError(`opcode 0x${code.toString(16)} is no conditional jump on a constant`);
  }
}
