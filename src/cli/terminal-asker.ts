/**
 * `--ask`: whoever sits at the terminal decides about what no option allows, call by call. Asked and answered on /dev/tty, never by
 * standard input, which is the command's. Nothing is read while nothing is asked.
 */
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR, readProcText } from '../linux/files.ts';
import { getpgrp, openText, read, tcgetpgrp, write } from '../linux/libc.ts';
import { forgetTyped, setForeground, takeLines, type Modes } from '../linux/terminal.ts';
import type { Policy } from '../policy/policy.ts';
import { Advisor } from '../report/advice.ts';
import { describeObject } from '../report/describe.ts';
import { escapeBytes } from '../report/escape.ts';
import type { ReferralEvent } from '../report/event.ts';
import { homeDirectories } from '../report/homes.ts';
import type { Secrets } from '../report/sensitive.ts';
import type { Answer, Asker } from '../supervise/asking.ts';

/** More questions a second than anybody reads are refused without asking. */
const MOST_A_SECOND = 4;
const SECOND = 1000;
const ENTER = /[\r\n]/;
/** An answer is a letter. */
const LONGEST_ANSWER = 256;

interface Question {
  readonly event: ReferralEvent;
  readonly answer: (answer: Answer) => void;
}

/** Asks one question after the other. */
export class TerminalAsker {
  readonly #terminal: number;
  readonly #waiting: Question[] = [];
  readonly #always = new Set<string>();
  readonly #allowed = new Map<string, ReferralEvent>();
  readonly #asked: number[] = [];
  readonly #typed = Buffer.alloc(LONGEST_ANSWER);
  #current: Question | undefined;
  #said = '';
  /** What the terminal goes back to after a question. */
  #before: { readonly modes: Modes | undefined; readonly group: number } | undefined;

  /** Undefined where there is no terminal. */
  static open(): TerminalAsker | undefined {
    const terminal = openText(AT_FDCWD, '/dev/tty', O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
    return terminal < 0 ? undefined : new TerminalAsker(terminal);
  }

  private constructor(terminal: number) {
    this.#terminal = terminal;
  }

  readonly ask: Asker = (event, answer) => {
    const question = { event, answer };
    if (this.#always.has(keyOf(event))) answer('allow');
    else if (!this.#mayAsk()) answer('refuse');
    else this.#waiting.push(question);
    this.#next();
    return { withdraw: () => this.#withdraw(question), look: () => this.#look(question) };
  };

  /** The options that would have answered as the person did. */
  options(policy: Policy, secrets?: Secrets): string[] {
    const advisor = new Advisor(policy, () => homeDirectories(process.env), undefined, secrets);
    const advice = Array.from(this.#allowed.values(), (event) => advisor.advise(event));
    return [...new Set(advice.flatMap((one) => (one.kind === 'options' ? [one.options] : [])))];
  }

  #mayAsk(): boolean {
    const now = performance.now();
    while ((this.#asked[0] ?? now) < now - SECOND) this.#asked.shift();
    if (this.#asked.length >= MOST_A_SECOND) return false;
    this.#asked.push(now);
    return true;
  }

  #withdraw(question: Question): void {
    const index = this.#waiting.indexOf(question);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (this.#current !== question) return;
    this.#say('(nobody waits for it any more)\n');
    this.#finish('refuse');
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const question = this.#waiting.shift();
    if (question === undefined) return;
    if (this.#always.has(keyOf(question.event))) {
      question.answer('allow');
      return this.#next();
    }
    this.#current = question;
    this.#said = '';
    this.#takeTerminal();
    this.#say(`\nsecfilt: ${textOf(question.event)}: [y]es once, [a]lways for this run, [N]o? `);
  }

  #look(question: Question): void {
    if (this.#current !== question) return;
    const size = read(this.#terminal, this.#typed, this.#typed.length);
    if (size > 0) this.#hear(this.#typed.toString('latin1', 0, size));
    // The end (Ctrl-D), or a terminal that has hung up, is an answer too.
    else if (size !== -Errno.EAGAIN && size !== -Errno.EINTR) this.#finish('refuse');
  }

  #hear(text: string): void {
    this.#said = (this.#said + text).slice(0, LONGEST_ANSWER);
    if (this.#current === undefined || !ENTER.test(text)) return;
    const letter = this.#said.trim().charAt(0).toLowerCase();
    const { event } = this.#current;
    if (letter === 'a') this.#always.add(keyOf(event));
    const isAllowed = letter === 'a' || letter === 'y';
    if (isAllowed) this.#allowed.set(keyOf(event), event);
    this.#finish(isAllowed ? 'allow' : 'refuse');
  }

  #finish(answer: Answer): void {
    const question = this.#current;
    this.#current = undefined;
    this.#giveBack();
    question?.answer(answer);
    this.#next();
  }

  /** A job of the command's may have it, and may have set it so that no line can be typed. */
  #takeTerminal(): void {
    const group = tcgetpgrp(this.#terminal);
    if (group !== getpgrp()) setForeground(this.#terminal, getpgrp());
    this.#before = { modes: takeLines(this.#terminal), group };
    // A command could have had an answer typed to a question of its own, and then do what is asked about.
    forgetTyped(this.#terminal);
  }

  #giveBack(): void {
    this.#before?.modes?.restore();
    const group = this.#before?.group ?? -1;
    if (group > 0 && group !== getpgrp()) setForeground(this.#terminal, group);
    this.#before = undefined;
  }

  #say(text: string): void {
    const bytes = Buffer.from(text);
    write(this.#terminal, bytes, bytes.length);
  }
}

function textOf({ tid, operation, object, call }: ReferralEvent): string {
  const name = readProcText(`/proc/${tid}/comm`);
  const who =
    typeof name === 'number' ? String(tid) : `${escapeBytes(Buffer.from(name.trimEnd(), 'latin1'))} (${tid})`;
  return `${who} wants to ${operation} ${describeObject(object)} (${call})`;
}

/** Who may write to a file always may do with it what else changes files, and who may read it always no more than that. */
function keyOf({ operation, object }: ReferralEvent): string {
  const isFile = object.kind === 'path' || object.kind === 'paths';
  const what = isFile && operation !== 'read' ? 'change' : operation;
  return `${what} ${object.kind} ${describeObject(object)}`;
}
