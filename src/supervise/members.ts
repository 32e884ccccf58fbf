/**
 * Who belongs to the sandbox: the descendants of the supervisor. It is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER),
 * so orphans of the sandbox become its children and no process of the sandbox ever gets another ancestor.
 */
import { readdirSync } from 'node:fs';
import { readProcText } from '../linux/files.ts';

/** Deeper than any family of processes; a bound for the walk. */
const MOST_GENERATIONS = 65536;

/** What /proc/PID/stat says of a process's place (proc(5)). */
interface Place {
  readonly parent: number;
  readonly group: number;
}

function placeOf(pid: number): Place | undefined {
  const text = readProcText(`/proc/${pid}/stat`);
  if (typeof text === 'number') return undefined;
  // The name before the parenthesis may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ', 3);
  const [, parent, group] = fields.map(Number);
  if (parent === undefined || group === undefined || !Number.isInteger(parent + group)) return undefined;
  return { parent, group };
}

/**
 * True when a process descends from this one, which does not itself count.
 *
 * The chain of parents is read twice. A number in it that went to another process between the readings shows: whoever
 * loses a parent has another one from then on.
 */
export function descendsFromUs(pid: number): boolean {
  const chain: [pid: number, parent: number][] = [];
  let current = pid;
  while (current !== process.pid) {
    const place = placeOf(current);
    if (place === undefined || place.parent <= 0 || chain.length >= MOST_GENERATIONS) return false;
    chain.push([current, place.parent]);
    current = place.parent;
  }
  return chain.length > 0 && chain.every(([child, parent]) => placeOf(child)?.parent === parent);
}

export class Members {
  readonly #outOfReach: ReadonlySet<number>;

  /** @param outOfReach descendants that are not of the sandbox: the watchdog */
  constructor(outOfReach: Iterable<number>) {
    this.#outOfReach = new Set([process.pid, ...outOfReach]);
  }

  /** Whether a process (by the number of the whole process) is of the sandbox. */
  has(pid: number): boolean {
    return !this.#outOfReach.has(pid) && descendsFromUs(pid);
  }

  /** The processes of the sandbox now, or those of them in a process group. */
  list(group?: number): number[] {
    return allProcesses().filter(
      (pid) => (group === undefined || placeOf(pid)?.group === group) && this.has(pid),
    );
  }

  /** True where a process group has any process at all. */
  static groupExists(group: number): boolean {
    return allProcesses().some((pid) => placeOf(pid)?.group === group);
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
