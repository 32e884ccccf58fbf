/**
 * Who belongs to the sandbox: the processes that the command has started, and it itself. The supervisor is a subreaper
 * (prctl(2), PR_SET_CHILD_SUBREAPER), so orphans of the sandbox become its children and no process of the sandbox ever
 * gets an ancestor outside. But others may be our children too: those that our process had before it became secfilt
 * (`job & exec secfilt …`), what they leave behind, and as the first process of a container every orphan in it.
 *
 * A service has not started the command itself, so orphans do not become its children. There the watchdog says who is in the
 * sandbox's domain; where there is none that scopes signals, members descend from the command's own process, and who has lost
 * the way to that is none.
 *
 * A member also carries what the launcher puts on it, which is inherited and never comes off: a filter more than we
 * have, and no_new_privs (seccomp(2)); and under the trace engine we are its tracer, which is nobody else's mark.
 */
import { readdirSync } from 'node:fs';
import { bootTicks } from '../../linux/clock.ts';
import { readProcText } from '../../linux/files.ts';
import { isEnding, processStat, type ProcessStat } from '../../linux/process-stat.ts';
import { hasChildren } from '../../linux/wait.ts';

/** Deeper than any family of processes; a bound for the walk. */
const MOST_GENERATIONS = 65536;
/** Parents end while one looks: so often the chain is read anew. */
const MOST_READINGS = 16;

/** What the launcher has put on a process. */
interface Marks {
  readonly filters: number;
  readonly noNewPrivileges: boolean;
  readonly tracer: number;
  /** It has ended, or its first thread has. */
  readonly ended: boolean;
}

const MARKS =
  /^State:\t(?<state>.)[^]*^TracerPid:\t(?<tracer>\d+)$[^]*^NoNewPrivs:\t(?<privileges>\d)$[^]*^Seccomp_filters:\t(?<filters>\d+)$/m;

function marksOf(pid: number): Marks | undefined {
  const text = readProcText(`/proc/${pid}/status`);
  const found = typeof text === 'number' ? undefined : MARKS.exec(text)?.groups;
  if (found === undefined) return undefined;
  return {
    filters: Number(found['filters']),
    noNewPrivileges: found['privileges'] === '1',
    tracer: Number(found['tracer']),
    ended: found['state'] === 'Z',
  };
}

/** A process of the sandbox: its number, and when it started. */
export interface Member {
  readonly pid: number;
  readonly start: number;
}

type Answer = 'inside' | 'outside' | 'changed';

/** Where processes stand, each looked up once. */
class Reading {
  readonly #places = new Map<number, ProcessStat | undefined>();

  of(pid: number): ProcessStat | undefined {
    const known = this.#places.get(pid);
    if (known !== undefined || this.#places.has(pid)) return known;
    const place = processStat(pid);
    this.#places.set(pid, place);
    return place;
  }
}

/** Follows the parents of a process to one whose answer is known, which is then that of all on the way. */
function alongParents(
  pid: number,
  known: Map<number, Answer>,
  ask: (pid: number) => Answer | number,
): Answer {
  const way: number[] = [];
  let found: Answer | number = pid;
  while (typeof found === 'number') {
    const current: number = found;
    // Numbers that are read one after the other may lead round in a circle.
    found = known.get(current) ?? (way.length < MOST_GENERATIONS ? ask(current) : 'changed');
    way.push(current);
  }
  for (const each of way) known.set(each, found);
  return found;
}

export class Members {
  readonly #outOfReach = new Set([process.pid]);
  /** Our children from before, and when they started. */
  readonly #earlier = new Map<number, number>();
  readonly #filters: number;
  readonly #traced: boolean;
  readonly #since: number;
  #isInReach: ((pid: number) => boolean) | undefined;
  /** Whom all members descend from: this process, or the first member where it was started by somebody else. */
  readonly #ancestor: { readonly pid: number; readonly start: number | undefined };

  /**
   * To be made before anything is started: who is there by then is no member.
   * @param filters how many filters this process itself is under
   * @param traced whether this process traces every member
   * @param first the first member, where this process is not its parent; it waits to become the command. Its children from before
   *   are looked for unless `askOf` comes
   */
  constructor(filters: number, traced: boolean, first?: { readonly pid: number; readonly isAsked: boolean }) {
    this.#filters = filters;
    this.#traced = traced;
    this.#ancestor =
      first === undefined
        ? { pid: process.pid, start: undefined }
        : { pid: first.pid, start: processStat(first.pid)?.start ?? -1 };
    this.#since = bootTicks();
    if (first === undefined ? !hasChildren() : first.isAsked) return;
    for (const pid of allProcesses()) {
      const place = processStat(pid);
      if (place?.parent === this.#ancestor.pid) this.#earlier.set(pid, place.start);
    }
  }

  /** Where somebody knows who is in the sandbox's domain, whoever its parents are (landlock(7), scoped signals). Said before the command runs. */
  askOf(isInReach: (pid: number) => boolean): void {
    this.#isInReach = isInReach;
  }

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
    for (let reading = 0; reading < MOST_READINGS; reading += 1) {
      const answer = this.#look(pid);
      if (answer !== 'changed') return answer === 'inside';
    }
    return false;
  }

  /**
   * The chain of parents is read twice, and the marks in between. A number in it that went to another process between the
   * readings shows: it has another start, and whoever loses a parent has another one from then on.
   */
  #look(pid: number): 'inside' | 'outside' | 'changed' {
    if (this.#outOfReach.has(pid)) return 'outside';
    const first = processStat(pid);
    const marks = marksOf(pid);
    if (first === undefined || marks === undefined || !this.#areOn(marks)) return 'outside';
    if (this.#isInReach !== undefined) {
      if (!this.#isInReach(pid)) return 'outside';
      return processStat(pid)?.start === first.start ? 'inside' : 'changed';
    }
    const chain: [pid: number, place: ProcessStat][] = [[pid, first]];
    for (let place = first, current = pid; ;) {
      if (current === this.#ancestor.pid && place.start === this.#ancestor.start) break;
      if (this.#isForeign(current, place) || chain.length >= MOST_GENERATIONS) return 'outside';
      current = place.parent;
      if (current === this.#ancestor.pid && this.#ancestor.start === undefined) break;
      const next = processStat(current);
      if (next === undefined) return current <= 0 ? 'outside' : 'changed';
      chain.push([current, next]);
      place = next;
    }
    const stays = chain.every(([child, { parent, start }]) => {
      const now = processStat(child);
      return now?.parent === parent && now.start === start;
    });
    return stays ? 'inside' : 'changed';
  }

  /** Who has ended has no tracer any more, and cannot be harmed. */
  #areOn(marks: Marks): boolean {
    if (marks.filters <= this.#filters || !marks.noNewPrivileges) return false;
    return !this.#traced || marks.ended || marks.tracer === process.pid;
  }

  /** True for one that cannot be a member nor have any among its children. */
  #isForeign(pid: number, { parent, start }: ProcessStat): boolean {
    return (
      parent <= 0 || start < this.#since || this.#outOfReach.has(pid) || this.#earlier.get(pid) === start
    );
  }

  /**
   * The processes of the sandbox now, or those of them in a process group. `complete` is false where one ended, or lost its parent,
   * while it was looked at: it may have left a child that was not there yet when the processes were listed.
   */
  list(group?: number): { readonly members: readonly Member[]; readonly complete: boolean } {
    const all = allProcesses();
    const before = new Reading();
    const processes = group === undefined ? all : all.filter((pid) => before.of(pid)?.group === group);
    const found = this.#among(processes, before);
    return { ...found, complete: found.complete && all.every((pid) => before.of(pid) !== undefined) };
  }

  /**
   * Which of many processes are of the sandbox. What their chains of parents have in common is read once before the marks and once
   * after them: a family may be as deep as it is large.
   */
  #among(
    processes: readonly number[],
    before: Reading,
  ): { readonly members: readonly Member[]; readonly complete: boolean } {
    const [after, leads, stays] = [new Reading(), new Map<number, Answer>(), new Map<number, Answer>()];
    const { pid: ancestor, start: since } = this.#ancestor;
    const isOurs = (pid: number): Answer =>
      alongParents(pid, leads, (current) => {
        const place = before.of(current);
        if (place === undefined) return 'changed';
        if (current === ancestor && place.start === since) return 'inside';
        if (this.#isForeign(current, place)) return 'outside';
        return place.parent === ancestor && since === undefined ? 'inside' : place.parent;
      });
    const stillIs = (pid: number): Answer =>
      alongParents(pid, stays, (current) => {
        const [first, now] = [before.of(current), after.of(current)];
        if (first === undefined || now?.parent !== first.parent || now.start !== first.start)
          return 'changed';
        if (current === ancestor && now.start === since) return 'inside';
        return now.parent === ancestor && since === undefined ? 'inside' : now.parent;
      });
    const answers = processes.map((pid) => {
      const answer = this.#isInReach === undefined ? isOurs(pid) : this.#look(pid);
      if (this.#isInReach !== undefined) return { pid, answer };
      const marks = answer === 'inside' ? marksOf(pid) : undefined;
      return { pid, answer: answer === 'inside' && (!marks || !this.#areOn(marks)) ? 'outside' : answer };
    });
    const sure = answers.map(({ pid, answer }) =>
      answer === 'inside' && this.#isInReach === undefined ? stillIs(pid) : answer,
    );
    const members = processes.flatMap((pid, index) => {
      const start = before.of(pid)?.start;
      return sure[index] === 'inside' && start !== undefined ? [{ pid, start }] : [];
    });
    return { members, complete: !sure.includes('changed') };
  }

  /** True where a process group has members, and all are of the sandbox, but for those that have ended: they have lost their marks. */
  hasGroup(group: number): boolean {
    for (let reading = 0; reading < MOST_READINGS; reading += 1) {
      const before = new Reading();
      const processes = allProcesses().filter((pid) => {
        const place = before.of(pid);
        return place?.group === group && !isEnding(place);
      });
      const { members, complete } = this.#among(processes, before);
      const inside = new Set(members.map(({ pid }) => pid));
      const others = processes.filter((pid) => !inside.has(pid));
      // Whoever has begun to end since then has lost its marks.
      const stand = others.every((pid) => {
        const place = processStat(pid);
        return place !== undefined && !isEnding(place);
      });
      if (complete && stand) return processes.length > 0 && others.length === 0;
    }
    return false;
  }

  /** True where a process group has any process at all. */
  static groupExists(group: number): boolean {
    return allProcesses().some((pid) => processStat(pid)?.group === group);
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
