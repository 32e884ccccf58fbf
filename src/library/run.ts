/** A command run to its end, with all that it said. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { pipeline, type Readable } from 'node:stream';
import type { Started } from './backend.ts';
import type { RefusedCall } from './refused-call.ts';

export interface RunOptions {
  readonly cwd?: string | URL | undefined;
  /** The whole environment; that of this process, if nothing is said. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What the command reads. Without it standard input is empty. */
  readonly input?: string | Uint8Array | Readable | undefined;
  /** Other streams than that input, and pipes for the output: `'inherit'` shows what the command prints. */
  readonly stdio?: StdioOptions | undefined;
  /** Run by a shell, as one line. */
  readonly shell?: boolean | string | undefined;
  /** Milliseconds until the command is ended: by `killSignal`, and SIGKILL five seconds later. */
  readonly timeout?: number | undefined;
  /** SIGTERM, if nothing else is said. */
  readonly killSignal?: NodeJS.Signals | undefined;
  /** Ends the command likewise, and rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of standard output, and of standard error, that are kept; more ends the command. 64 MiB. */
  readonly maxBuffer?: number | undefined;
  /** `'buffer'` gives bytes in place of text. */
  readonly encoding?: 'utf8' | 'buffer' | undefined;
  /** True: a command that did not end with 0 is an error (RunError). */
  readonly reject?: boolean | undefined;
}

export interface RunResult<Output = string> {
  /** Null where a signal ended the command. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The calls that were refused to it: the first thousand. */
  readonly refused: readonly RefusedCall[];
  /** How many there were. */
  readonly refusedCount: number;
  /** It took longer than `timeout`. */
  readonly timedOut: boolean;
  /** It printed more than `maxBuffer`, and what is beyond is missing. */
  readonly truncated: boolean;
}

/** With `reject: true`: the command failed. It has all that the result has. */
export class RunError extends Error implements RunResult<string | Buffer> {
  readonly code = 'ERR_SECFILTER_RUN';
  declare readonly exitCode: number | null;
  declare readonly signal: NodeJS.Signals | null;
  declare readonly stdout: string | Buffer;
  declare readonly stderr: string | Buffer;
  declare readonly refused: readonly RefusedCall[];
  declare readonly refusedCount: number;
  declare readonly timedOut: boolean;
  declare readonly truncated: boolean;

  constructor(command: string, result: RunResult<string | Buffer>) {
    const { exitCode, signal, timedOut, truncated } = result;
    const end = signal === null ? `ended with ${exitCode}` : `was ended by ${signal}`;
    const why = timedOut ? ', since it took too long' : truncated ? ', since it printed too much' : '';
    super(`${command} ${end}${why}`);
    this.name = 'RunError';
    Object.assign(this, result);
  }
}

const MOST_REFUSED = 1000;
const MOST_BYTES = 64 * 1_048_576;
/** How long a command may take to end when it is asked to. */
const PATIENCE_MS = 5000;

/** What is refused to one command. */
export class Refusals {
  readonly calls: RefusedCall[] = [];
  count = 0;

  add(call: RefusedCall): void {
    this.count += 1;
    if (this.calls.length < MOST_REFUSED) this.calls.push(call);
  }
}

/** Waits for the command. Rejects where it could not be started, or was aborted. */
export async function finish(
  { child, settled }: Started,
  refusals: Refusals,
  options: RunOptions,
): Promise<RunResult<string | Buffer>> {
  const { input, timeout, signal, maxBuffer = MOST_BYTES } = options;
  const ending = new Ending(child, options.killSignal ?? 'SIGTERM');
  const aborted = (): void => ending.begin('aborted');
  const timer = timeout === undefined ? undefined : setTimeout(() => ending.begin('timedOut'), timeout);
  signal?.addEventListener('abort', aborted, { once: true });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    collect(stream, maxBuffer, () => ending.begin('truncated')),
  );
  feed(child, input);
  try {
    const [exitCode, by] = await endOf(child);
    const known = await settled();
    if (ending.why === 'aborted') throw abortReason(signal);
    const text = (chunks: readonly Buffer[] = []): string | Buffer =>
      options.encoding === 'buffer' ? Buffer.concat(chunks) : Buffer.concat(chunks).toString();
    return {
      exitCode,
      signal: by,
      stdout: text(stdout),
      stderr: text(stderr),
      refused: refusals.calls,
      refusedCount: Math.max(refusals.count, known ?? 0),
      timedOut: ending.why === 'timedOut',
      truncated: ending.why === 'truncated',
    };
  } finally {
    clearTimeout(timer);
    ending.over();
    signal?.removeEventListener('abort', aborted);
  }
}

/** A command that is made to end: asked first. */
class Ending {
  why: 'aborted' | 'timedOut' | 'truncated' | undefined;
  readonly #child: ChildProcess;
  readonly #signal: NodeJS.Signals;
  #timer: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, signal: NodeJS.Signals) {
    this.#child = child;
    this.#signal = signal;
  }

  begin(why: 'aborted' | 'timedOut' | 'truncated'): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.#child.kill(this.#signal);
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}

/** The chunks, which grow while the stream is read. */
function collect(stream: Readable | null, most: number, overflow: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let left = most;
  stream?.on('data', (chunk: Buffer) => {
    if (left > 0) chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left < 0) overflow();
  });
  return chunks;
}

/** A command that does not read its input may be gone before it is written. */
function feed({ stdin }: ChildProcess, input: RunOptions['input']): void {
  if (!stdin) return;
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    stdin.on('error', () => undefined);
    stdin.end(input);
  } else pipeline(input, stdin, () => undefined);
}

function endOf(child: ChildProcess): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  return new Promise((done, fail) => {
    child.on('error', (error) => {
      // A signal that cannot be sent is told by the same event, while the command runs on.
      if (child.pid === undefined) fail(error);
    });
    child.on('close', (code, signal) => done([code, signal]));
  });
}

function abortReason(signal: AbortSignal | undefined): unknown {
  return signal?.reason;
}
