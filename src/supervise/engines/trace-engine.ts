/**
 * The trace engine, start to end: SECCOMP_RET_TRACE and ptrace(2), for where a listener is not to be had.
 *
 * Its judge, its handlers and what they perform are those of the notify engine. A call goes on only where Landlock decides
 * it again; all else is performed by the supervisor, and a descriptor that it has opened is handed over by a Unix socket
 * (trace/hand-descriptor.ts). So the kernel never reads again what was judged.
 */
import { Errno, SyscallError } from '../../linux/errno.ts';
import { close, eventLoopDescriptor, poll } from '../../linux/libc.ts';
import { FOLLOW_ALL, seize } from '../../linux/ptrace.ts';
import { abandon, go, launchOutcome } from '../../launch/handover.ts';
import type { Launched } from '../../launch/launch.ts';
import { LaunchError } from '../../launch/launch-error.ts';
import { Command, END_UNKNOWN, type CommandEnd } from './command.ts';
import { answer } from '../handlers.ts';
import type { EngineRun } from './engine-run.ts';
import { Members } from '../target/members.ts';
import { InterestList } from '../interest-list.ts';
import { PendingCalls } from '../pending.ts';
import { reportKilled } from './report-killed.ts';
import { makeRuleset } from './ruleset.ts';
import { startLauncher } from './start.ts';
import { Sandbox } from '../sandbox.ts';
import { loadNameService } from '../network/names/load-names.ts';
import { namesPolicy } from '../../policy/judges-names.ts';
import { traceUntilEnd } from './trace/loop.ts';
import { Tracees } from './trace/tracees.ts';
import { Waker } from './trace/waker.ts';
import { endWatch, startWatch } from '../watch.ts';

/** One a millisecond, until the launcher is traceable. */
const MOST_ATTEMPTS = 5000;

/** Runs the command. Throws a LaunchError or SyscallError when it could not be started, and then nothing runs. */
export async function runTrace(run: EngineRun): Promise<CommandEnd | LaunchError> {
  const members = new Members(run.identity.filters, true);
  await loadNameService(run.plan.policy);
  const ruleset = makeRuleset(run.plan);
  const launched = startLauncher(run, ruleset, { listener: false, waitKillable: false });
  const own = namesPolicy(run.plan.policy) ? ownInterests() : undefined;
  const waker = attach(launched, members, own?.descriptor ?? eventLoopDescriptor());
  const pending = new PendingCalls(run.fault);
  const { handlers } = new Sandbox(run, { ...ruleset, pending, members, streams: [0, 1, 2], watching: own });
  const command = new Command(launched.pid, () => tracees.killAll(), true);
  const tracees: Tracees = new Tracees(
    command,
    (referral) => answer(referral, handlers, run.fault),
    (tid, number, why) => reportKilled(run, tid, number, why),
  );
  command.forwardSignals();
  go(launched);
  await traceUntilEnd(tracees, waker, pending, own);
  endWatch();
  waker.end();
  const outcome = launchOutcome(launched);
  close(launched.reportSocket);
  close(launched.pidDescriptor);
  if (outcome instanceof LaunchError) return outcome;
  if (command.end === undefined) throw new SyscallError('wait4', Errno.ECHILD, END_UNKNOWN);
  return command.end;
}

/** The tracer waits in wait4(2) alone, and the waker polls for one descriptor: behind it there are these and the event loop's. */
function ownInterests(): InterestList {
  const own = new InterestList();
  const eventLoop = eventLoopDescriptor();
  // It has its turn whenever the waker has called.
  if (eventLoop >= 0) own.watch(eventLoop, () => undefined);
  return own;
}

/** Becomes the launcher's tracer while it waits for our word. */
function attach(launched: Launched, members: Members, events: number): Waker {
  let waker: Waker | undefined;
  try {
    waker = new Waker(events, members);
    startWatch();
    const result = seizeLauncher(launched);
    if (result < 0) throw new LaunchError('ptrace PTRACE_SEIZE', -result);
    return waker;
  } catch (error) {
    waker?.end();
    abandon(launched);
    throw error;
  }
}

/** As root's child the launcher may be traced only once it has done the row that says so: until then EPERM. */
function seizeLauncher(launched: Launched): number {
  for (let attempt = 0; ; attempt += 1) {
    const result = seize(launched.pid, FOLLOW_ALL);
    if (result !== -Errno.EPERM || attempt === MOST_ATTEMPTS) return result;
    const outcome = launchOutcome(launched);
    if (outcome instanceof LaunchError) throw outcome;
    poll(null, 0, 1);
  }
}
