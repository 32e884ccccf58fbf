/** Everything that is told about a run: refusals as they happen, the log, the summary at the end. */
import type { Policy } from '../policy/policy.ts';
import { Advisor } from './advice.ts';
import { colourful, plain, wantsColour } from './colour.ts';
import { errnoName } from '../linux/errno.ts';
import { describeObject } from './describe.ts';
import type { ReferralEvent, Reporter } from './event.ts';
import { homeDirectories } from './homes.ts';
import { logLine } from './log.ts';
import { Refusals } from './refusals.ts';
import type { Homes, Secrets } from './sensitive.ts';
import type { Sink } from './sink.ts';
import { renderCount, renderSummary } from './summary.ts';

export interface ReportOptions {
  readonly policy: Policy;
  readonly log: Sink | undefined;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asked where reading is restricted, once something was refused. */
  readonly secrets?: Secrets | undefined;
  /** Where a person reads: standard error, if nothing else is said. */
  readonly screen: Sink;
}

const STANDARD_ERROR = 2;
const HURRIED_MS = 500;
/** A rule that a person gave, of which there may be many. */
const DENY_PATTERN = /^--(?:read|write|exec)-deny=/;

export class Reports implements Reporter {
  readonly wantsAllowed: boolean;
  readonly #options: ReportOptions;
  readonly #screen: Sink;
  readonly #advisor: Advisor;
  readonly #refusals = new Refusals();
  #homeDirectories: Homes | undefined;
  #lastLine = '';
  #faults = 0;

  constructor(options: ReportOptions) {
    this.wantsAllowed = options.verbose && options.log !== undefined;
    this.#options = options;
    this.#screen = options.screen;
    this.#advisor = new Advisor(options.policy, () => this.#homes(), undefined, options.secrets);
  }

  /** How many calls were refused. */
  get refused(): number {
    return this.#refusals.total;
  }

  /** A word of secfilt's own, while the command runs. */
  say(line: string): void {
    this.#screen.write(`secfilt: ${line}`);
  }

  /** Never throws. */
  report(event: ReferralEvent): void {
    try {
      if (event.verdict === 'allowed') this.#options.log?.write(logLine(event, { kind: 'none' }));
      else this.#reportRefusal(event);
    } catch {
      this.#faults += 1;
    }
  }

  /**
   * To be called once, when the command has ended: shows the summary, or one line where the command succeeded, and closes the log.
   * @param hurry somebody wants the end now: only for a moment it is waited for whoever reads that
   * @param beforeWait called before a longer wait
   */
  finish(commandFailed: boolean, hurry = false, beforeWait: () => void = () => {}): void {
    const { log, quiet, verbose, environment, secrets } = this.#options;
    log?.close();
    const { lost } = this.#screen;
    this.#screen.takeTime(hurry ? HURRIED_MS : Number.POSITIVE_INFINITY, beforeWait);
    if (lost > 0)
      this.#screen.write(`secfilt: ${lost} lines were not shown here, since nobody read them in time`);
    if (!quiet && this.#refusals.total > 0) {
      const paint = wantsColour(STANDARD_ERROR, environment) ? colourful : plain;
      const text =
        commandFailed || verbose
          ? renderSummary(this.#refusals, this.#homes(), paint, secrets)
          : renderCount(this.#refusals, paint);
      for (const line of text.split('\n').slice(0, -1)) this.#screen.write(line);
    }
    // What is missing is said to the quiet as well: they asked for a log.
    if (log && log.lost > 0) {
      const cause = log.failure ?? 'unknown error';
      this.#screen.write(
        `secfilt: the log is incomplete, ${log.lost} of its lines could not be written: ${cause}`,
      );
    }
    if (this.#faults > 0 && !quiet)
      this.#screen.write(
        `secfilt: the summary is incomplete, ${this.#faults} of its reports met a fault of secfilt itself`,
      );
  }

  #homes(): Homes {
    return (this.#homeDirectories ??= homeDirectories(this.#options.environment));
  }

  #reportRefusal(event: ReferralEvent): void {
    let isFirst = false;
    const advice = this.#refusals.add(event, (unseen) => {
      isFirst = true;
      return this.#advisor.advise(unseen);
    });
    // What the filter refuses says nothing new the second time.
    if (isFirst || event.layer !== 'filter') this.#options.log?.write(logLine(event, advice));
    if (this.#options.verbose && !this.#options.quiet) this.#showLine(event);
  }

  /** A call that is tried again and again is shown once; the summary counts. */
  #showLine({ operation, object, call, errno, rule }: ReferralEvent): void {
    const what = object.kind === 'none' ? 'a call' : `${operation} ${describeObject(object)}`;
    const by = DENY_PATTERN.test(rule) ? `: ${rule}` : '';
    const line = `secfilt: refused ${what} (${call}: ${errnoName(errno)})${by}`;
    if (line !== this.#lastLine) this.#screen.write(line);
    this.#lastLine = line;
  }
}
