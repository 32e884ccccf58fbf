/** The notify engine, start to end: puts a plan in force, starts the command under it, answers until all have ended. */
import { Errno, SyscallError } from '../../linux/errno.ts';
import { close } from '../../linux/libc.ts';
import { setSyncWakeUp } from '../../linux/seccomp.ts';
import { endOf, isStopped } from '../../linux/wait-tracees.ts';
import { abandon, endWatchdog, go, launchOutcome, receiveHandover } from '../../launch/handover.ts';
import type { Launched } from '../../launch/launch.ts';
import type { LaunchError } from '../../launch/launch-error.ts';
import { Command, END_UNKNOWN, type CommandEnd } from './command.ts';
import type { EngineRun } from './engine-run.ts';
import { Loop } from './loop.ts';
import { loadNameService } from '../network/names/load-names.ts';
import { Members } from '../target/members.ts';
import { NotifyListener } from './notify.ts';
import { reportKilled } from './report-killed.ts';
import { makeRuleset } from './ruleset.ts';
import { PendingCalls } from '../pending.ts';
import { startLauncher } from './start.ts';
import { Sandbox } from '../sandbox.ts';
import { Injector } from './trace/injector.ts';
import { endWatch, startWatch } from '../watch.ts';

/** Runs the command. Throws a LaunchError or SyscallError when it could not be started, and then nothing runs. */
export async function runNotify(run: EngineRun): Promise<CommandEnd | LaunchError> {
  const { plan } = run;
  const members = new Members(run.identity.filters, false);
  const loop = new Loop();
  await loadNameService(plan.policy);
  const ruleset = makeRuleset(plan);
  const launched = startLauncher(run, ruleset, { listener: true, waitKillable: plan.waitKillable });
  // While the launcher begins its work.
  watchOrAbandon(launched);
  const pending = new PendingCalls(run.fault);
  const { handlers } = new Sandbox(run, { ...ruleset, pending, members, streams: [0, 1, 2], watching: loop });
  const { listener, watchdog } = receiveHandover(launched);
  members.exclude(watchdog.pid);
  setSyncWakeUp(listener);
  let watched = true;
  const endSandbox = (rest: 'end' | 'leave'): void => {
    if (watched) endWatchdog(launched, watchdog, rest);
    watched = false;
  };
  const command = new Command(launched.pid, () => endSandbox('end'), false);
  command.forwardSignals();
  let failed: LaunchError | undefined;
  let empty = false;
  loop.supervise({
    listener: new NotifyListener(listener, plan.waitKillable ? injectorFor(run, command) : undefined),
    handlers,
    pending,
    fault: run.fault,
    emptied: () => (empty = true),
  });
  loop.watch(launched.reportSocket, () => {
    const result = launchOutcome(launched);
    if (result === 'pending') return;
    loop.unwatch(launched.reportSocket);
    if (result !== 'executed') failed = result;
  });
  loop.watch(launched.pidDescriptor, () => {
    command.followChildren();
    if (command.end !== undefined) loop.unwatch(launched.pidDescriptor);
  });
  go(launched);
  await loop.run(
    () => empty && command.end !== undefined,
    () => command.followChildren(),
  );
  endWatch();
  close(listener);
  endSandbox('leave');
  if (failed !== undefined) return failed;
  if (command.end === undefined) throw new SyscallError('waitid', Errno.ECHILD, END_UNKNOWN);
  return command.end;
}

/** Of a thread that ends while a call is made in its name nobody hears but its tracer. */
function injectorFor(run: EngineRun, command: Command): Injector {
  return new Injector({
    handle: (tid, status) => {
      if (tid === command.pid && !isStopped(status)) command.change(endOf(status));
    },
    killed: (tid, number, why) => reportKilled(run, tid, number, why),
  });
}

function watchOrAbandon(launched: Launched): void {
  try {
    startWatch();
  } catch (error) {
    abandon(launched);
    throw error;
  }
}
