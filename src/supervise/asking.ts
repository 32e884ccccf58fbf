/**
 * Calls that no rule allows are asked about, where somebody answers: the call waits meanwhile, and nobody else does. What is allowed
 * then is this one thing for this one call, which is judged once more from the beginning: what it names may be another thing by now.
 */
import type { ReferralEvent, Reporter } from '../report/event.ts';
import type { Endpoint, PathBytes, UnixSocketName } from '../policy/policy.ts';
import { UntimedCall } from './files/untimed-call.ts';
import type { Handler } from './handlers.ts';
import type { PendingCalls, Unfinished } from './pending.ts';
import { PENDING, type Referral, type Reply } from './referral.ts';

export type Answer = 'allow' | 'refuse';

/** A question that is open. */
export interface Question {
  /** Nobody waits for the answer any more. */
  withdraw(): void;
  /** Looks whether there is an answer, where nothing else would tell of it; asked again and again while the call waits. */
  look?(): void;
}

/** Asks about a refusal. `answer` is to be called once. */
export type Asker = (event: ReferralEvent, answer: (answer: Answer) => void) => Question;

/** What an answer has allowed. */
export interface Granted {
  /** Each by itself, and nothing below it: to be changed. */
  readonly paths: readonly PathBytes[];
  /** The same, to be read. */
  readonly reads: readonly PathBytes[];
  /** Both for one call, in these roles. */
  readonly pairs: readonly { readonly from: PathBytes; readonly to: PathBytes }[];
  readonly endpoints: readonly Endpoint[];
  readonly unixSockets: readonly UnixSocketName[];
}

/** Makes the handlers of a sandbox, with something granted besides. */
export type HandlerMaker = (reporter: Reporter, granted?: Granted) => ReadonlyMap<number, Handler>;

export interface AskingOptions {
  readonly make: HandlerMaker;
  readonly reporter: Reporter;
  readonly ask: Asker;
  readonly pending: PendingCalls;
}

/** Of one sandbox; more are refused without a question. */
const MOST_QUESTIONS = 64;
/** What a call names may be another thing each time. */
const MOST_GRANTS = 4;
/** Those that an option would change (`ReferralEvent`), and that are about what a person decides. */
const ASKED = /^(?:outside --|--no-outbound-network$|not bound in the sandbox, nor in --allow-unix$)/;

/** The same handlers, which ask. */
export function askingHandlers(options: AskingOptions): ReadonlyMap<number, Handler> {
  const questions = new Set<AskedCall>();
  const holding = new HoldingReporter(options.reporter);
  const handlers = options.make(holding);
  const ask = (number: number, granted: readonly Granted[], referral: Referral, handler: Handler): Reply => {
    const { reply, event } = holding.during(() => handler(referral));
    if (event === undefined) return reply;
    const grant = reply.kind === 'errno' && granted.length < MOST_GRANTS ? grantFor(event) : undefined;
    if (grant === undefined || questions.size >= MOST_QUESTIONS) {
      options.reporter.report(event);
      return reply;
    }
    const again = (call: Referral): Reply => {
      const all = [...granted, grant];
      const allowing = options.make(holding, together(all)).get(number);
      return allowing === undefined ? reply : ask(number, all, call, allowing);
    };
    const question = new AskedCall(
      referral.detach(),
      reply,
      again,
      () => options.reporter.report(event),
      () => questions.delete(question),
    );
    questions.add(question);
    question.ask(options.ask, event);
    options.pending.add(question);
    return PENDING;
  };
  return new Map(
    Array.from(handlers, ([number, handler]) => [
      number,
      (referral: Referral) => ask(number, [], referral, handler),
    ]),
  );
}

class AskedCall extends UntimedCall {
  readonly #reply: Reply;
  readonly #again: (referral: Referral) => Reply;
  readonly #report: () => void;
  readonly #done: () => void;
  #answer: Answer | undefined;
  #question: Question | undefined;

  constructor(
    referral: Referral,
    reply: Reply,
    again: (referral: Referral) => Reply,
    report: () => void,
    done: () => void,
  ) {
    super(referral);
    this.#reply = reply;
    this.#again = again;
    this.#report = report;
    this.#done = done;
  }

  ask(asker: Asker, event: ReferralEvent): void {
    this.#question = asker(event, (answer) => (this.#answer ??= answer));
  }

  attempt(): Reply | Unfinished {
    if (this.#answer === undefined) this.#question?.look?.();
    if (this.#answer === undefined) return 'stuck';
    if (this.#answer === 'allow') return this.#again(this.referral);
    this.#report();
    return this.#reply;
  }

  release(): void {
    this.#done();
    if (this.#answer === undefined) this.#question?.withdraw();
  }
}

/** Keeps the refusal of the call in hand to itself; all else goes on, what is refused to calls that have waited among it. */
class HoldingReporter implements Reporter {
  readonly #inner: Reporter;
  #isInHand = false;
  #held: ReferralEvent | undefined;

  constructor(inner: Reporter) {
    this.#inner = inner;
  }

  get wantsAllowed(): boolean {
    return this.#inner.wantsAllowed;
  }

  report(event: ReferralEvent): void {
    const isFirst = this.#isInHand && this.#held === undefined;
    const isAsked = event.verdict === 'refused' && isFirst && (event.asks ?? ASKED.test(event.rule));
    if (isAsked) this.#held = event;
    else this.#inner.report(event);
  }

  /** Handles a call. Its reply, and the refusal that it is about. */
  during(handle: () => Reply): { readonly reply: Reply; readonly event: ReferralEvent | undefined } {
    this.#isInHand = true;
    try {
      const reply = handle();
      return { reply, event: this.#held };
    } finally {
      this.#isInHand = false;
      this.#held = undefined;
    }
  }
}

/** What would allow the call; undefined where nothing would. */
function grantFor({ object, operation }: ReferralEvent): Granted | undefined {
  const nothing: Granted = { paths: [], reads: [], pairs: [], endpoints: [], unixSockets: [] };
  switch (object.kind) {
    case 'path':
      return operation === 'read'
        ? { ...nothing, reads: [object.path] }
        : { ...nothing, paths: [object.path] };
    case 'paths':
      return { ...nothing, pairs: [{ from: object.from, to: object.to }] };
    case 'address':
      if (object.protocol !== 'tcp' && object.protocol !== 'udp') return undefined;
      return { ...nothing, endpoints: [{ address: object.address, port: object.port }] };
    case 'unix-path':
      return { ...nothing, unixSockets: [{ kind: 'path', path: object.path }] };
    case 'unix-abstract':
      return { ...nothing, unixSockets: [{ kind: 'abstract', name: object.name }] };
    case 'host':
    case 'process':
    case 'none':
      return undefined;
  }
}

function together(all: readonly Granted[]): Granted {
  return {
    paths: all.flatMap(({ paths }) => paths),
    reads: all.flatMap(({ reads }) => reads),
    pairs: all.flatMap(({ pairs }) => pairs),
    endpoints: all.flatMap(({ endpoints }) => endpoints),
    unixSockets: all.flatMap(({ unixSockets }) => unixSockets),
  };
}
