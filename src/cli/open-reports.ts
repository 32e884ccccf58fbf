/** The reports of a run, as the settings ask for them. */
import type { Policy } from '../policy/policy.ts';
import { Reports } from '../report/reporter.ts';
import { openSink, type Sink, type SinkTarget } from '../report/sink.ts';
import type { Assignment } from './assignments.ts';
import { givenPath, reading, refuserOfLinks } from './given-path.ts';
import type { Settings } from './settings.ts';

const STANDARD_STREAMS: ReadonlyMap<string, number> = new Map([
  ['-', 2],
  ['/dev/stderr', 2],
  ['/dev/stdout', 1],
]);
/** Opened by its path, a file would have another offset than for those who share the descriptor, and a pipe has no path. */
const DESCRIPTOR_PATTERN = /^(?:\/(?:dev|proc\/self)\/fd\/)?(\d{1,9})$/;

/** Opens the log, if there is to be one; throws a UsageError where it cannot be opened. */
export function openReports(settings: Settings, policy: Policy): Reports {
  const { log, verbose, quiet } = settings;
  const sink = log && openLog(log, policy);
  return new Reports({ policy, log: sink, verbose, quiet, environment: process.env });
}

function openLog(log: Assignment, policy: Policy): Sink {
  const target = logTarget(log);
  if (target.kind === 'file') refuserOfLinks(policy.files?.writable ?? [])(log, target.path);
  return reading(log, () => openSink(target));
}

/** `-` is standard error, a number or /dev/fd/3 a descriptor that the shell opened (`--log=3 3>file`), all else a file. */
export function logTarget(given: Assignment): SinkTarget {
  const fd = STANDARD_STREAMS.get(given.text) ?? DESCRIPTOR_PATTERN.exec(given.text)?.[1];
  if (fd !== undefined) return { kind: 'descriptor', fd: Number(fd) };
  return { kind: 'file', path: givenPath(given) };
}
