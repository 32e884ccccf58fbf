/** One run, from settings to exit code: policy → plan → engine → summary. */
import { SyscallError, errnoMessage } from '../linux/errno.ts';
import { variableBytes } from '../linux/environment.ts';
import { defaultSignal, exitNow, kill } from '../linux/libc.ts';
import { LaunchError } from '../launch/launch-error.ts';
import { resolveCommand } from '../launch/command.ts';
import type { Plan } from '../plan/plan.ts';
import { escapeBytes } from '../report/escape.ts';
import type { Reporter } from '../report/event.ts';
import { isEndAskedFor, type CommandEnd } from '../supervise/engines/command.ts';
import { EngineError } from '../supervise/engines/engine-error.ts';
import { runCommand } from '../supervise/engines/engines.ts';
import { JUDGES } from '../supervise/judges.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import { givenTerminals } from '../supervise/engines/given-terminals.ts';
import { identifySelf } from '../supervise/engines/self.ts';
import { ExitCode } from './exit-code.ts';
import { makePolicy } from './make-policy.ts';
import { openReports, refuseForeignLog } from './open-reports.ts';
import { ownPlaces } from './own-places.ts';
import { wantsReports, type Settings } from './settings.ts';
import { complain } from './complain.ts';

/** Runs the command and ends this process as the command ended. */
export async function run(settings: Settings, command: readonly Buffer[]): Promise<never> {
  const identity = identifySelf();
  const given = await makePolicy(settings.policy);
  const name = command[0] ?? Buffer.alloc(0);
  const resolved = resolveCommand(name, variableBytes('PATH', process.env));
  if (resolved.kind === 'notFound') {
    complain(`${escapeBytes(name) || "''"}: command not found`);
    exitNow(ExitCode.NOT_FOUND);
  }
  if (resolved.kind === 'notExecutable') {
    complain(`${escapeBytes(resolved.path)}: ${errnoMessage(resolved.errno)}`);
    exitNow(ExitCode.CANNOT_EXECUTE);
  }
  refuseForeignLog(settings.log);
  const learning =
    settings.learn &&
    (await (await import('./learn.ts')).beginLearning(settings, settings.learn, command, resolved.path));
  const policy = learning?.policy ?? given;
  if (policy.read !== undefined || policy.execute !== undefined) {
    const { whyNotStarted } = await import('../supervise/engines/not-started.ts');
    const why = whyNotStarted(policy, resolved.path);
    if (why !== undefined) {
      complain(why);
      exitNow(ExitCode.CANNOT_EXECUTE);
    }
  }
  const features = probeKernel(process.env);
  if (policy.files !== undefined && features.landlockAbi === 0 && settings.verbose) {
    complain('this kernel has no Landlock: the supervisor makes every change itself');
  }
  const secrets = policy.read && new (await import('./secret-places.ts')).SecretPlaces();
  // The kernel engine refuses a log: then none must come into being.
  const reports = openReports(
    settings.engine === 'kernel' ? { ...settings, log: undefined } : settings,
    policy,
    secrets,
  );
  const asker = settings.ask && (await import('./terminal-asker.ts')).TerminalAsker.open();
  if (settings.ask && asker === undefined)
    reports.say('--ask: there is no terminal to ask at, so nothing more is allowed');
  let plan: Plan | undefined;
  const outcome = await runCommand({
    engine: settings.engine,
    policy,
    features,
    judges: JUDGES,
    terminals: givenTerminals([0, 1, 2]),
    identity,
    command: resolved.path,
    argv: command,
    logged: settings.log !== undefined,
    wantsReports: wantsReports(settings),
    own: ownPlaces(settings, policy),
    ask: asker?.ask,
    reporter: learning ? both(learning.lessons, reports) : reports,
    fault: (error) => reports.say(`a call was refused for a fault of secfilt itself: ${String(error)}`),
    notice: (line) => reports.say(line),
    planned: (made) => {
      plan = made;
      // Nobody is left to say so later.
      const isAlone = made.situation.refer === undefined;
      return isAlone && settings.verbose && !settings.quiet ? tellOfKernel(made, false) : undefined;
    },
  }).catch((error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
    for (const line of error.message.split('\n')) complain(line);
    exitNow(ExitCode.FAILURE);
  });
  const succeeded = !(outcome instanceof LaunchError) && outcome.kind === 'exit' && outcome.code === 0;
  reports.finish(!succeeded, isEndAskedFor(), endBySignals);
  const hasFailed = !succeeded && !(outcome instanceof LaunchError);
  if (plan && hasFailed && !settings.quiet) await tellOfKernel(plan, true);
  learning?.finish();
  const chosen = asker?.options(policy, secrets) ?? [];
  if (chosen.length > 0) complain(`to be asked no more: ${chosen.join(' ')}`);
  if (outcome instanceof LaunchError) endForLaunch(outcome, resolved.path);
  endAs(outcome);
}

/** Where the kernel alone holds rules nobody knows whether they are why a command fails. */
async function tellOfKernel(plan: Plan, isOver: boolean): Promise<void> {
  if (plan.reading?.heldBy !== 'Landlock' && plan.policy.execute === undefined) return;
  const { heldByKernel } = await import('./held-by-kernel.ts');
  for (const line of heldByKernel(plan, isOver)) complain(line);
}

/** Nothing is left to pass signals on to: they end this process, as they would end one without us. */
function endBySignals(): void {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) process.removeAllListeners(signal);
}

/** The one hears of everything; the other of what it wants. */
function both(lessons: Reporter, reports: Reporter): Reporter {
  return {
    wantsAllowed: true,
    outcomes: lessons.outcomes,
    report: (event) => {
      lessons.report(event);
      if (event.verdict === 'refused' || reports.wantsAllowed) reports.report(event);
    },
  };
}

function endForLaunch(error: LaunchError, path: Buffer): never {
  if (!error.step.startsWith('execve')) throw error;
  complain(`${escapeBytes(path)}: ${errnoMessage(error.errno)}`);
  exitNow(ExitCode.CANNOT_EXECUTE);
}

/** Ends this process with the command's exit code, or by the signal that ended the command. */
function endAs(end: CommandEnd): never {
  if (end.kind === 'exit') exitNow(end.code);
  // Undumpable already, so no second core is dumped. What ignores or survives the signal ends with the shell's code.
  defaultSignal(end.signal);
  kill(process.pid, end.signal);
  exitNow(ExitCode.SIGNALED + end.signal);
}

/** Errors that say what failed in a sentence; anything else is a fault of ours and shows its stack. */
export function isExplained(error: unknown): error is Error {
  return error instanceof LaunchError || error instanceof SyscallError;
}
