/**
 * A supervisor in a process of its own, for tests: `node fixture.js plain|watched|scoped command…`.
 *
 * plain: launches the command, and exits with its code. watched: with a listener, which it never looks at; writes the watchdog's
 * process number to standard output, or the error to standard error. scoped: also in a Landlock domain that scopes signals.
 */
import { writeSync } from 'node:fs';
import { go, receiveHandover } from './handover.ts';
import { launch } from './launch.ts';
import { LaunchError } from './launch-error.ts';
import { finalOutcome, NOTIFY_MKDIR, planFor, reap, run, signalRuleset } from './testing.ts';

function supervise(words: readonly string[], scoped: boolean): number {
  const ruleset = scoped ? signalRuleset() : undefined;
  const landlock = ruleset !== undefined;
  const plan = planFor(words, { filter: NOTIFY_MKDIR, listener: true, landlock, signalScope: landlock });
  const launched = launch(plan, landlock ? { rulesetDescriptor: ruleset } : {});
  const { watchdog } = receiveHandover(launched);
  writeSync(1, `${watchdog.pid}\n`);
  go(launched);
  const end = reap(launched);
  const outcome = finalOutcome(launched);
  if (outcome instanceof LaunchError) throw outcome;
  return end.kind === 'exit' ? end.code : 128 + end.signal;
}

const [, , mode, ...words] = process.argv;
try {
  if (mode === 'plain') {
    const { end, outcome } = run(planFor(words));
    if (outcome instanceof LaunchError) throw outcome;
    process.exitCode = end.kind === 'exit' ? end.code : 128 + end.signal;
  } else {
    process.exitCode = supervise(words, mode === 'scoped');
  }
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  writeSync(2, `${error.message}\n`);
  process.exitCode = 125;
}
