/** A policy of a service's, from the words of its options. */
import { describeObject } from '../report/describe.ts';
import { errnoName } from '../linux/errno.ts';
import type { PathBytes } from '../policy/policy.ts';
import { escapeBytes } from '../report/escape.ts';
import type { ReferralEvent } from '../report/event.ts';
import { logLine } from '../report/log.ts';
import type { Sink } from '../report/sink.ts';
import type { SandboxReporter, ServedPolicy } from '../service/served.ts';
import { readCommandLine } from './command-line.ts';
import { makePolicy } from './make-policy.ts';
import { ownPlaces } from './own-places.ts';
import type { Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** What the service itself was told about reports, and what no sandbox of its may change. */
export interface ServiceReports {
  readonly log: Sink | undefined;
  /** Where a person reads. Nobody is waited for: all sandboxes would wait too. */
  readonly screen: Sink;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** The directory of the socket. */
  readonly place: PathBytes;
}

/** Throws a UsageError that names the word at fault. */
export async function servedByWords(
  options: readonly Buffer[],
  reports: ServiceReports,
): Promise<ServedPolicy> {
  const words = [...options.map((word) => word.toString('latin1')), '--', 'command'];
  const commandLine = await readCommandLine(words);
  if (commandLine.kind !== 'run')
    throw new UsageError({ problem: 'a policy is made of options that say what may be done' });
  return servedPolicy(commandLine.settings, options, reports);
}

/** The same from settings. */
export async function servedPolicy(
  settings: Settings,
  options: readonly Buffer[],
  reports: ServiceReports,
): Promise<ServedPolicy> {
  const policy = await makePolicy(settings.policy);
  const own = ownPlaces(settings, policy);
  return {
    policy,
    own: own.length === 0 ? own : [...own, reports.place],
    wantsReports: reports.verbose || reports.log !== undefined,
    words: options.map((word) => escapeBytes(word)),
    reporterFor: (pid) => new ServiceReporter(pid, reports),
  };
}

class ServiceReporter implements SandboxReporter {
  readonly wantsAllowed = false;
  refused = 0;
  readonly #pid: number;
  readonly #reports: ServiceReports;

  constructor(pid: number, reports: ServiceReports) {
    this.#pid = pid;
    this.#reports = reports;
  }

  report(event: ReferralEvent): void {
    this.refused += 1;
    const { log, verbose } = this.#reports;
    log?.write(logLine(event, { kind: 'none' }));
    if (!verbose) return;
    const { operation, object, call, errno } = event;
    const what = object.kind === 'none' ? 'a call' : `${operation} ${describeObject(object)}`;
    this.#reports.screen.write(`secfilt: ${this.#pid}: refused ${what} (${call}: ${errnoName(errno)})`);
  }

  ended(): void {
    if (this.#reports.quiet || this.refused === 0) return;
    this.#reports.screen.write(`secfilt: ${this.#pid}: ${this.refused} operations were refused`);
  }
}
