/** `secfilt --why=KIND:WHAT`: which rule decides about an access. Runs nothing, changes nothing. Import it lazily. */
import { exitNow } from '../linux/libc.ts';
import type { Assignment } from './assignments.ts';
import { planRun, type PlannedRun } from './plan-run.ts';
import { print } from './print.ts';
import type { Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { type Answer, answerText } from './why-answer.ts';
import { whyConnected } from './why-network.ts';
import { whyExecuted, WhyPlaces } from './why-places.ts';

const ASKED_PATTERN = /^(?<kind>read|write|exec|connect):(?<what>[^]+)$/;
const ALLOWED = 0;
const REFUSED = 1;

/** Prints an answer a line, and ends with 0 where all is allowed that is asked about, else with 1. Throws a UsageError. */
export async function why(settings: Settings, asked: readonly Assignment[], json: boolean): Promise<never> {
  const questions = asked.map((given) => ({ given, ...read(given) }));
  const run = await planRun(settings);
  const places = new WhyPlaces(run, settings);
  const answers = await Promise.all(questions.map(async (question) => answersTo(question, run, places)));
  const lines = answers.flat().map((answer) => `${json ? JSON.stringify(answer) : answerText(answer)}\n`);
  print(lines.join(''));
  const isAllowed = answers.every((each) => each.some(({ allowed }) => allowed));
  return exitNow(isAllowed ? ALLOWED : REFUSED);
}

interface Question {
  readonly given: Assignment;
  readonly kind: string;
  readonly what: string;
}

/** Several only for the addresses of one host. */
function answersTo(
  { given, kind, what }: Question,
  run: PlannedRun,
  places: WhyPlaces,
): readonly Answer[] | Promise<readonly Answer[]> {
  switch (kind) {
    case 'read':
      return [places.read(given, what)];
    case 'write':
      return [places.write(given, what)];
    case 'exec':
      return [whyExecuted(run, given, what)];
    default:
      return whyConnected(run, given, what);
  }
}

function read({ spelling, text, origin }: Assignment): { readonly kind: string; readonly what: string } {
  const { kind, what } = ASKED_PATTERN.exec(text)?.groups ?? {};
  if (kind !== undefined && what !== undefined) return { kind, what };
  throw new UsageError({
    option: spelling,
    word: text,
    problem: 'asks about nothing',
    hint: 'read:PATH, write:PATH, exec:PATH or connect:HOST:PORT',
    origin,
  });
}
