/** Starts the launcher: a process that puts a plan in force, waits for the supervisor's word and becomes the command. */
import { Errno } from '../linux/errno.ts';
import { F_SETFL } from '../linux/files.ts';
import { close, fcntl, kill, socketpair } from '../linux/libc.ts';
import { pidfdOpen } from '../linux/spawn.ts';
import { IGNORED_SIGNALS } from './ignored-signals.ts';
import { buildImage } from './image.ts';
import { LaunchError } from './launch-error.ts';
import { Descriptor } from './protocol.ts';
import { launchRows } from './rows.ts';
import type { LaunchPlan } from './rows.ts';
import { duplicateHigh, startImage } from './start.ts';

export interface LaunchOptions {
  /** Needed when the plan enforces Landlock; stays the caller's. */
  readonly rulesetDescriptor?: number;
  /** Signals to give their default action, beside those that Node or a supervisor ignores. */
  readonly defaultSignals?: readonly number[];
  /** The kinds of file to start the launcher from, in order. */
  readonly imageFrom?: readonly ('memory' | 'file')[];
}

/** A launcher that was started. The descriptors are close-on-exec, and the caller's to close. */
export interface Launched {
  /** The launcher, and the command after it: a child that the caller reaps (`waitProcess`). */
  readonly pid: number;
  /** Readable once that process has ended (pidfd_open(2)). */
  readonly pidDescriptor: number;
  /** To the launcher. Non-blocking; readable when there is an outcome (`launchOutcome`). */
  readonly reportSocket: number;
  /** To the watchdog, which a plan with a listener has. Non-blocking; readable when the watchdog has ended. */
  readonly controlSocket: number | undefined;
  /** The steps' names, by the number that a record has for them. */
  readonly steps: readonly string[];
}

const SIGKILL = 9;
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/**
 * Starts the launcher for a plan, with the standard streams, environment and directory of this process.
 *
 * With a listener comes `receiveHandover` next; then `go`, and at last `launchOutcome`. Throws a LaunchError when the launcher
 * cannot be started, and a RangeError for a plan that contradicts itself; nothing is left behind then.
 */
export function launch(plan: LaunchPlan, options: LaunchOptions = {}): Launched {
  const { rulesetDescriptor, defaultSignals = [], imageFrom = ['memory', 'file'] } = options;
  if (plan.landlock && rulesetDescriptor === undefined) {
    throw new RangeError('a plan with Landlock needs a ruleset');
  }
  const rows = launchRows(plan);
  const image = buildImage(rows);
  const ours: number[] = [];
  const handedDown = new Map<number, number>();
  const connect = (target: number): number => {
    const [near, far] = connectedPair();
    ours.push(near);
    handedDown.set(target, far);
    return near;
  };
  try {
    // Copies, because dup2 of a descriptor onto itself leaves close-on-exec set in glibc before 2.29.
    for (const stream of [0, 1, 2]) {
      const copy = duplicateHigh(stream);
      if (copy === -Errno.EBADF) continue; // closed here, closed there
      handedDown.set(stream, checked('fcntl F_DUPFD', copy));
    }
    const reportSocket = connect(Descriptor.report);
    const controlSocket = plan.listener ? connect(Descriptor.control) : undefined;
    if (plan.landlock && rulesetDescriptor !== undefined) {
      handedDown.set(Descriptor.ruleset, checked('fcntl F_DUPFD', duplicateHigh(rulesetDescriptor)));
    }
    const pid = startImage(image, {
      descriptors: handedDown,
      defaultSignals: [...IGNORED_SIGNALS, ...defaultSignals],
      from: imageFrom,
    });
    const pidDescriptor = pidfdOpen(pid);
    if (pidDescriptor < 0) {
      kill(pid, SIGKILL);
      throw new LaunchError('pidfd_open', -pidDescriptor);
    }
    return { pid, pidDescriptor, reportSocket, controlSocket, steps: rows.map(({ name }) => name) };
  } catch (error) {
    for (const descriptor of ours) close(descriptor);
    throw error;
  } finally {
    for (const descriptor of handedDown.values()) close(descriptor);
  }
}

/** Two ends of a connection: ours, non-blocking, and theirs, which no file action overwrites. */
export function connectedPair(): [near: number, far: number] {
  const pair = Buffer.alloc(8);
  checked('socketpair', socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
  const near = pair.readInt32LE(0);
  const low = pair.readInt32LE(4);
  const far = duplicateHigh(low);
  close(low);
  if (far < 0) close(near);
  checked('fcntl F_DUPFD', far);
  fcntl(near, F_SETFL, O_NONBLOCK);
  return [near, far];
}

function checked(step: string, result: number): number {
  if (result < 0) throw new LaunchError(step, -result);
  return result;
}
