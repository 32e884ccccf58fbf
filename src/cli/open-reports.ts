/** The reports of a run, as the settings ask for them. */
import { changeableTrees, type Policy } from '../policy/policy.ts';
import { Reports } from '../report/reporter.ts';
import type { Secrets } from '../report/sensitive.ts';
import { openScreen, openSink, type Sink, type SinkTarget } from '../report/sink.ts';
import type { Assignment } from './assignments.ts';
import { descriptorNamed, refuseForeign } from './descriptor-name.ts';
import { givenPath, linksTo, reading, refuserOfLinks } from './given-path.ts';
import type { Settings } from './settings.ts';

const STANDARD_ERROR = 2;
const NUMBER_PATTERN = /^\d{1,9}$/;

/** Opens the log, if there is to be one; throws a UsageError where it cannot be opened. */
export function openReports(settings: Settings, policy: Policy, secrets?: Secrets): Reports {
  const { log, verbose, quiet } = settings;
  const sink = log && openLog(log, policy);
  return new Reports({
    policy,
    log: sink,
    verbose,
    quiet,
    environment: process.env,
    secrets,
    screen: openScreen(),
  });
}

/** Opens the log. Throws a UsageError where it cannot be opened. */
export function openLog(log: Assignment, policy: Policy): Sink {
  const target = logTarget(log);
  if (target.kind === 'file') refuserOfLinks(changeableTrees(policy.files))(log, linksTo(log, target.path));
  return reading(log, () => openSink(target));
}

/**
 * Throws a UsageError where the log is to go to a descriptor that secfilt was not started with. To be asked before anything
 * is opened here that could be taken for it.
 */
export function refuseForeignLog(log: Assignment | undefined): void {
  if (log) reading(log, () => refuseForeign(logDescriptor(log), '>'));
}

/**
 * `-` is standard error, a number or /dev/fd/3 a descriptor that the shell opened (`--log=3 3>file`), all else a file.
 * Opened by its path, a file would have another offset than for those who share the descriptor, and a pipe has no path.
 */
export function logTarget(given: Assignment): SinkTarget {
  const fd = logDescriptor(given);
  return fd === undefined ? { kind: 'file', path: givenPath(given) } : { kind: 'descriptor', fd };
}

function logDescriptor({ text }: Assignment): number | undefined {
  if (text === '-') return STANDARD_ERROR;
  return NUMBER_PATTERN.test(text) ? Number(text) : descriptorNamed(text);
}
