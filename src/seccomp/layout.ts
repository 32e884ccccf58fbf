/**
 * A graph of steps as a row of instructions. Classic BPF jumps forwards only, so the row is written from its end: a
 * step comes after all it leads to, and its distances are known at once. They fit 8 bits in a conditional jump; where
 * one does not, a fresh copy of the return or an unconditional jump (32 bits) is put within reach, and serves others
 * nearby too.
 *
 * Of two branches the higher one is written first, thus further away, which keeps most distances short. The number of
 * instructions is small but not proven smallest.
 */
import { AND, JUMP, LOAD, RETURN } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import type { JumpStep, Step } from './graph.ts';

/** Longest distance in jt and jf. */
const REACH = 255;

/** The instructions of the program that starts with this step, in order of execution. */
export function layOut(start: Step): Instruction[] {
  const row = new Row();
  // A loop with its own stack, as a graph may be deeper than the call stack.
  const pending = [start];
  for (let step = pending.at(-1); step !== undefined; step = pending.at(-1)) {
    const successor = successorsOf(step).find((next) => !row.has(next));
    if (successor === undefined) {
      if (!row.has(step)) row.place(step);
      pending.pop();
    } else {
      pending.push(successor);
    }
  }
  return row.inOrder();
}

/** The steps a step leads to, the higher one first. */
function successorsOf(step: Step): Step[] {
  if (step.kind === 'return') return [];
  if (step.kind !== 'jump') return [step.next];
  return step.yes.height > step.no.height ? [step.yes, step.no] : [step.no, step.yes];
}

/** Instructions from the last to the first. A place is an index into them. */
class Row {
  readonly #reversed: Instruction[] = [];
  /** Where the step itself is. */
  readonly #places = new Map<Step, number>();
  /** Where the latest instruction is that leads to the step: itself, a copy, or a jump to it. */
  readonly #nearest = new Map<Step, number>();

  has(step: Step): boolean {
    return this.#places.has(step);
  }

  inOrder(): Instruction[] {
    return this.#reversed.toReversed();
  }

  /** Writes a step whose successors are written. */
  place(step: Step): void {
    switch (step.kind) {
      case 'return':
        this.#write(step, { code: RETURN, jt: 0, jf: 0, k: step.value });
        break;
      case 'load':
        this.#leadTo(step.next);
        this.#write(step, { code: LOAD, jt: 0, jf: 0, k: step.offset });
        break;
      case 'and':
        this.#leadTo(step.next);
        this.#write(step, { code: AND, jt: 0, jf: 0, k: step.mask });
        break;
      case 'jump':
        this.#placeJump(step);
        break;
    }
  }

  #placeJump(step: JumpStep): void {
    // Bringing one branch near moves the other one instruction further away, so look again after each.
    for (;;) {
      const tooFar = [step.yes, step.no].find((branch) => !this.#reaches(branch));
      if (tooFar === undefined) break;
      this.#bringNear(tooFar);
    }
    this.#write(step, {
      code: step.code,
      jt: this.#distance(this.#nearest, step.yes),
      jf: this.#distance(this.#nearest, step.no),
      k: step.operand,
    });
  }

  /** Makes the step follow whatever is written next. */
  #leadTo(step: Step): void {
    if (this.#distance(this.#nearest, step) === 0) return;
    const copyFits = step.kind === 'jump' && this.#reaches(step.yes) && this.#reaches(step.no);
    if (copyFits) this.place(step);
    else this.#bringNear(step);
  }

  #bringNear(step: Step): void {
    if (step.kind === 'return') {
      this.place(step);
    } else {
      const jump = { code: JUMP, jt: 0, jf: 0, k: this.#distance(this.#places, step) };
      this.#nearest.set(step, this.#reversed.push(jump) - 1);
    }
  }

  #write(step: Step, instruction: Instruction): void {
    const place = this.#reversed.push(instruction) - 1;
    this.#places.set(step, place);
    this.#nearest.set(step, place);
  }

  #reaches(step: Step): boolean {
    return this.#distance(this.#nearest, step) <= REACH;
  }

  /** Instructions to skip from the one written next. */
  #distance(places: ReadonlyMap<Step, number>, step: Step): number {
    const place = places.get(step);
    if (place === undefined) throw new Error('a step was laid out before its successor');
    return this.#reversed.length - place - 1;
  }
}
