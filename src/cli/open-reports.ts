/** The reports of a run, as the settings ask for them. */
import type { Policy } from '../policy/policy.ts';
import { Reports } from '../report/reporter.ts';
import { openSink, type SinkTarget } from '../report/sink.ts';
import type { Assignment } from './assignments.ts';
import { givenPath, reading } from './given-path.ts';
import type { Settings } from './settings.ts';

const STANDARD_ERROR = 2;
const DESCRIPTOR_PATTERN = /^\d{1,9}$/;

/** Opens the log, if there is to be one; throws a UsageError where it cannot be opened. */
export function openReports(settings: Settings, policy: Policy): Reports {
  const { log, verbose, quiet } = settings;
  const sink = log && reading(log, () => openSink(logTarget(log)));
  return new Reports({ policy, log: sink, verbose, quiet, environment: process.env });
}

/** `-` is standard error, a number a descriptor that the shell opened (`--log=3 3>file`), all else a file. */
export function logTarget(given: Assignment): SinkTarget {
  if (given.text === '-') return { kind: 'descriptor', fd: STANDARD_ERROR };
  if (DESCRIPTOR_PATTERN.test(given.text)) return { kind: 'descriptor', fd: Number(given.text) };
  return { kind: 'file', path: givenPath(given) };
}
