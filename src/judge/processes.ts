/**
 * The judge of signals and of limits and scheduling: whom a call is about → verdict. Pure: who belongs to the sandbox
 * is looked up before.
 */
import { CONTINUE, PERFORM, refuse, type Verdict } from './verdict.ts';

/** What the process or thread that a call names is to its caller. */
export type Relation =
  /** The caller's own thread, or its process by the number that the process itself has. */
  | 'itself'
  /** Another thread of the caller's process. */
  | 'same process'
  /** Another process of the sandbox. */
  | 'inside'
  /** The supervisor, the watchdog, and every process that was not started in the sandbox. */
  | 'outside';

const OUTSIDE_RULE = refuse('signals do not leave the sandbox');
const UNTOUCHED_RULE = refuse('processes outside the sandbox are left alone');
const TERMINAL_RULE = refuse('a terminal would signal its whole foreground group');
const GROUP_RULE = refuse('process groups with members outside are not joined');
const LIMITS_RULE = refuse('limits of another process cannot be set safely');

/**
 * kill(2) and kin. The numbers of the caller itself cannot be given to anybody else while it waits, so the kernel goes on
 * with those; any other number might be another process by the time the kernel looks.
 */
export function judgeSignal(relation: Relation): Verdict {
  switch (relation) {
    case 'itself':
      return CONTINUE;
    case 'same process':
    case 'inside':
      return PERFORM;
    case 'outside':
      return OUTSIDE_RULE;
  }
}

/** setpriority(2), ioprio_set(2), sched_setaffinity(2) and kin. */
export function judgeScheduling(relation: Relation): Verdict {
  switch (relation) {
    case 'itself':
      return CONTINUE;
    case 'same process':
    case 'inside':
      return PERFORM;
    case 'outside':
      return UNTOUCHED_RULE;
  }
}

/**
 * prlimit(2). It takes a number and no pidfd, so between a look and the call the number may become another process, and
 * a limit can kill: only for the caller itself.
 */
export function judgeLimits(relation: Relation): Verdict {
  if (relation === 'itself') return CONTINUE;
  return relation === 'outside' ? UNTOUCHED_RULE : LIMITS_RULE;
}

/** Who is in a group that a process would join. */
export type GroupOf =
  /** The process makes it, or has made it. */
  | 'itself'
  /** Only processes of the sandbox. */
  | 'inside'
  /** The command, the supervisor and whoever else is in the job: a shell inside goes back to it. */
  | 'where secfilt was started'
  /** Also others, or nobody. */
  | 'outside';

/** setpgid(2). The kernel goes on with it: a call on a number, which only the process itself and its parent may make. */
export function judgeGroup(whose: GroupOf): Verdict {
  return whose === 'outside' ? GROUP_RULE : CONTINUE;
}

/** O_ASYNC: @param onTerminal the kernel would signal a whole process group, that of the terminal's foreground */
export function judgeAsyncSignals(onTerminal: boolean): Verdict {
  return onTerminal ? TERMINAL_RULE : PERFORM;
}

/** fcntl(2), F_SETOWN: the kernel signals the owner later, whoever has the number then as the same process. */
export function judgeOwner(relation: Relation): Verdict {
  return relation === 'itself' ? PERFORM : refuse('only the caller itself is made the owner of a descriptor');
}
