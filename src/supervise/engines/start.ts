/** Starts the launcher for an engine with a supervisor. */
import { close } from '../../linux/libc.ts';
import { fileSizeAtStart } from '../../launch/file-size.ts';
import { launch, type Launched } from '../../launch/launch.ts';
import type { LaunchPlan } from '../../launch/rows.ts';
import { ignoredAtStart, openFilesAtStart } from '../../launch/start-notes.ts';
import type { EngineRun } from './engine-run.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * Starts it under the plan of the run, and closes the ruleset's descriptor, whatever comes of it. Throws a LaunchError.
 * @param referring how calls come to the supervisor
 */
export function startLauncher(
  run: EngineRun,
  ruleset: Ruleset,
  referring: Pick<LaunchPlan, 'listener' | 'waitKillable'>,
): Launched {
  const { plan } = run;
  try {
    return launch(
      {
        ...referring,
        command: run.command,
        argv: run.argv,
        filter: run.filter,
        landlock: ruleset.descriptor !== undefined,
        signalScope: plan.landlock?.signalScope ?? false,
        openFiles: openFilesAtStart(),
        fileSize: fileSizeAtStart(),
        ignoredSignals: ignoredAtStart(),
        withoutCores: plan.situation.withoutCores,
        dropCapabilities: run.identity.capabilities,
      },
      ruleset.descriptor === undefined ? {} : { rulesetDescriptor: ruleset.descriptor },
    );
  } finally {
    if (ruleset.descriptor !== undefined) close(ruleset.descriptor);
  }
}
