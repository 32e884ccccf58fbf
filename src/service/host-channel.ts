/**
 * The service's side of what it says with the program whose sandboxes it holds (library/protocol.ts). It knows nothing of sandboxes but
 * that they are opened and closed; when the stream ends, whoever ended it, all of them are.
 */
import type { Duplex } from 'node:stream';
import { readJsonLines } from '../library/lines.ts';
import type { RequestNumber, SandboxNumber, ToProgram, ToService } from '../library/protocol.ts';
import type { Verdict } from '../library/refused-call.ts';
import type { LogRecord } from '../report/log-record.ts';

/** What makes sandboxes. */
export interface SandboxOpener {
  /**
   * Opens one. Rejects where it cannot, with what secfilt(1) would print for a message; by an Unavailable where no sandbox
   * could be opened here at all.
   */
  open(request: OpenRequest, teller: Teller): Promise<OpenSandbox>;
}

export interface OpenRequest {
  /** Words of the command line, relative paths in them start at `cwd`. */
  readonly options: readonly string[];
  readonly cwd: string;
  /** Calls that no rule allows are to be asked about. */
  readonly asks: boolean;
  /** Somebody hears of each call that is refused. */
  readonly reports?: boolean;
}

export interface OpenSandbox {
  /** Path of the executable that runs its arguments in the sandbox. */
  readonly client: string;
  /**
   * How many calls were refused to the command that was started as this process, and has ended; once all that was
   * refused to it has been told.
   */
  settled(pid: number): number | Promise<number>;
  /** Ends it, with all that runs in it. */
  close(): void | Promise<void>;
}

/** What a sandbox has to tell. `pid` is that of the process that the client was started as. */
export interface Teller {
  refused(pid: number, record: LogRecord): void;
  /** Asks about a call, which waits meanwhile. */
  ask(pid: number, record: LogRecord): Asked;
}

export interface Asked {
  /** Never rejects: an end of the stream is a refusal. */
  readonly verdict: Promise<Verdict>;
  /** Nobody waits for it any longer. */
  withdraw(): void;
}

/** Here no sandbox can be opened, for whatever policy. */
export class Unavailable extends Error {}

/** A program that does not read is told no more, but how many calls were refused: it must not fill the service's memory. */
const MOST_UNREAD = 4 * 1_048_576;

/** Serves the program at the other end. Fulfilled when the stream has ended and all sandboxes are closed. */
export async function serveHost(stream: Duplex, opener: SandboxOpener): Promise<void> {
  const channel = new HostChannel(stream, opener);
  await new Promise<void>((done) => {
    stream.on('error', () => stream.destroy());
    // The other side has closed its end, or the process is gone: both halves are over then.
    stream.on('end', () => stream.destroy());
    stream.on('close', done);
    readJsonLines(stream, (message) => channel.hear(message));
  });
  await channel.end();
}

class HostChannel {
  readonly #stream: Duplex;
  readonly #opener: SandboxOpener;
  readonly #sandboxes = new Map<SandboxNumber, OpenSandbox>();
  readonly #asked = new Map<number, (verdict: Verdict) => void>();
  readonly #opening = new Set<Promise<void>>();
  #lastSandbox = 0;
  #lastAsk = 0;
  #isOver = false;

  constructor(stream: Duplex, opener: SandboxOpener) {
    this.#stream = stream;
    this.#opener = opener;
  }

  hear(value: unknown): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the program that has started us
    const message = value as ToService;
    if ('answer' in message) this.#asked.get(message.answer.ask)?.(message.answer.verdict);
    else void this.#answer(message.id, () => this.#do(message));
  }

  /** Closes what is open, and what is just being opened. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const answer of this.#asked.values()) answer('refuse');
    await Promise.allSettled(this.#opening);
    await Promise.allSettled([...this.#sandboxes.values()].map(async (sandbox) => sandbox.close()));
    this.#sandboxes.clear();
  }

  async #do(message: Exclude<ToService, { readonly answer: unknown }>): Promise<ToProgram> {
    const { id } = message;
    if ('start' in message) return this.#open(id, message.start);
    if ('settled' in message) {
      const { sandbox, pid } = message.settled;
      // Of a sandbox that was closed meanwhile nothing more is told.
      return {
        id,
        settled: { sandbox, pid, refused: (await this.#sandboxes.get(sandbox)?.settled(pid)) ?? 0 },
      };
    }
    const { sandbox } = message.end;
    const open = this.#find(sandbox);
    this.#sandboxes.delete(sandbox);
    await open.close();
    return { id, ended: { sandbox } };
  }

  async #open(id: RequestNumber, request: OpenRequest): Promise<ToProgram> {
    this.#lastSandbox += 1;
    const sandbox = this.#lastSandbox;
    const opening = this.#opener.open(request, this.#tellerOf(sandbox)).then((open) => {
      this.#sandboxes.set(sandbox, open);
    });
    this.#opening.add(opening);
    try {
      await opening;
    } finally {
      this.#opening.delete(opening);
    }
    return { id, started: { sandbox, client: this.#find(sandbox).client } };
  }

  #tellerOf(sandbox: SandboxNumber): Teller {
    return {
      refused: (pid, record) => {
        if (this.#stream.writableLength < MOST_UNREAD) this.#send({ event: { sandbox, pid, record } });
      },
      ask: (pid, record) => this.#ask(sandbox, pid, record),
    };
  }

  #ask(sandbox: SandboxNumber, pid: number, record: LogRecord): Asked {
    this.#lastAsk += 1;
    const ask = this.#lastAsk;
    const verdict = new Promise<Verdict>((done) => {
      const answer = (given: unknown): void => {
        this.#asked.delete(ask);
        done(given === 'allow' ? 'allow' : 'refuse');
      };
      this.#asked.set(ask, answer);
      // Whoever does not read would not answer either.
      if (this.#isOver || this.#stream.writableLength >= MOST_UNREAD) answer('refuse');
      else this.#send({ ask: { ask, sandbox, pid, record } });
    });
    return {
      verdict,
      withdraw: () => {
        if (!this.#asked.has(ask)) return;
        this.#asked.get(ask)?.('refuse');
        this.#send({ withdrawn: { ask } });
      },
    };
  }

  #find(sandbox: SandboxNumber): OpenSandbox {
    const open = this.#sandboxes.get(sandbox);
    if (open === undefined) throw new Error(`there is no sandbox ${sandbox}`);
    return open;
  }

  async #answer(id: RequestNumber, request: () => Promise<ToProgram>): Promise<void> {
    try {
      this.#send(await request());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const unavailable = error instanceof Unavailable;
      this.#send({ id, error: { message, ...(unavailable && { unavailable }) } });
    }
  }

  #send(message: ToProgram): void {
    if (this.#stream.writable) this.#stream.write(`${JSON.stringify(message)}\n`);
  }
}
