/**
 * Who belongs to the sandbox: the descendants of the supervisor. It is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER),
 * so orphans of the sandbox become its children and no process of the sandbox ever gets another ancestor.
 */
import { readdirSync } from 'node:fs';
import { readProcText } from '../linux/files.ts';

/** Deeper than any family of processes; a bound for the walk. */
const MOST_GENERATIONS = 65536;
/** Parents end while one looks: so often the chain is read anew. */
const MOST_READINGS = 16;

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
  for (let reading = 0; reading < MOST_READINGS; reading += 1) {
    const origin = originOf(pid);
    if (origin !== 'changed') return origin === 'ours';
  }
  return false;
}

function originOf(pid: number): 'ours' | 'foreign' | 'changed' {
  const chain: [pid: number, parent: number][] = [];
  let current = pid;
  while (current !== process.pid) {
    const place = placeOf(current);
    if (place === undefined && chain.length > 0) return 'changed';
    if (place === undefined || place.parent <= 0 || chain.length >= MOST_GENERATIONS) return 'foreign';
    chain.push([current, place.parent]);
    current = place.parent;
  }
  if (chain.length === 0) return 'foreign';
  return chain.every(([child, parent]) => placeOf(child)?.parent === parent) ? 'ours' : 'changed';
}

export class Members {
  readonly #outOfReach = new Set([process.pid]);

  /** A child of ours that is not of the sandbox: the watchdog. Said before the command runs. */
  exclude(pid: number): void {
    this.#outOfReach.add(pid);
  }

  /** Such a child has ended: its number may become that of a process of the sandbox. */
  readmit(pid: number): void {
    this.#outOfReach.delete(pid);
  }

  /** Whether a process (by the number of the whole process) is of the sandbox. */
  has(pid: number): boolean {
    return !this.#outOfReach.has(pid) && descendsFromUs(pid);
  }

  /**
   * The processes of the sandbox now, or those of them in a process group. `complete` is false where one ended before it
   * was looked at: it may have left a child that was not there yet when the processes were listed.
   */
  list(group?: number): { readonly processes: readonly number[]; readonly complete: boolean } {
    let complete = true;
    const processes = allProcesses().filter((pid) => {
      const place = placeOf(pid);
      if (place === undefined) complete = false;
      if (place === undefined || (group !== undefined && place.group !== group)) return false;
      if (this.has(pid)) return true;
      if (placeOf(pid) === undefined) complete = false;
      return false;
    });
    return { processes, complete };
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
