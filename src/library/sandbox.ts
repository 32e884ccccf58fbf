/** A sandbox: a policy that is in force for all commands that are started in it. */
import type { ChildProcess, spawn } from 'node:child_process';
import type { Ask, Backend } from './backend.ts';
import { startBackend } from './choose-backend.ts';
import { SandboxError } from './errors.ts';
import type { Policy } from './policy.ts';
import type { AskedCall, RefusedCall, Verdict } from './refused-call.ts';
import { finish, Refusals, RunError, type RunOptions, type RunResult } from './run.ts';
import { readSpawnArguments } from './spawn-arguments.ts';
import { directoryOf, policyWords } from './words.ts';

export interface SandboxOptions {
  /** Where relative paths of the policy start: the working directory at the time of the call, if nothing is said. */
  readonly cwd?: string | URL | undefined;
  /**
   * Told of each call that is refused, and to which command; undefined where that has ended, and what it left behind made the call.
   * What it throws is thrown like a listener's error.
   */
  readonly onRefused?: ((call: RefusedCall, child: ChildProcess | undefined) => void) | undefined;
  /**
   * Asked about a call that no rule allows, which waits meanwhile; other calls do not. Whatever is not `'allow'` is a refusal,
   * an error and a promise that is rejected among it, and no answer in time. Needs a service.
   */
  readonly ask?: ((call: AskedCall) => Verdict | PromiseLike<Verdict>) | undefined;
  /** Milliseconds that `ask` has for an answer: a minute. */
  readonly askTimeout?: number | undefined;
  /** Ends the sandbox, as close() does. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `'service'`: one process for all sandboxes of this program, which is started with the first. `'direct'`: one for each command.
   * `'auto'`, the default: a service where one can be.
   */
  readonly backend?: 'auto' | 'service' | 'direct' | undefined;
}

const ASK_TIMEOUT_MS = 60_000;

export class Sandbox implements AsyncDisposable {
  readonly #backend: Backend;
  readonly #hearing: Hearing;
  readonly #signal: AbortSignal | undefined;
  #closing: Promise<void> | undefined;

  private constructor(backend: Backend, hearing: Hearing, signal: AbortSignal | undefined) {
    this.#backend = backend;
    this.#hearing = hearing;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /**
   * Makes a sandbox. Rejects with a PolicyError where the policy cannot be taken as it stands, with a SandboxError where it cannot be
   * put in force here, and with its reason when the signal comes first.
   */
  static async start(policy: Policy, options: SandboxOptions = {}): Promise<Sandbox> {
    const { signal, ask } = options;
    signal?.throwIfAborted();
    const cwd = directoryOf(options.cwd);
    const hearing = new Hearing(options.onRefused);
    const backend = await startBackend(options.backend ?? 'auto', {
      words: policyWords(policy, { cwd, home: process.env['HOME'] }),
      cwd,
      told: (call, child) => hearing.told(call, child),
      reports: options.onRefused !== undefined,
      ask: ask && inTime(ask, options.askTimeout ?? ASK_TIMEOUT_MS),
      lost: (error) => {
        hearing.lost = error;
      },
      signal,
    });
    if (signal?.aborted === true) {
      await backend.close();
      signal.throwIfAborted();
    }
    return new Sandbox(backend, hearing, signal);
  }

  /**
   * Starts a command inside, with the arguments and the results of spawn() of node:child_process: the child is a real one. Of
   * `stdio` only the three standard streams reach it, and it has no `argv0` of its own.
   */
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it is given and gives is the same
  readonly spawn: typeof spawn = ((...words: unknown[]) => this.#start(words).child) as typeof spawn;

  /**
   * Runs a command to its end. Whatever it ends with is a result, unless `reject` is set; it rejects where the command cannot be
   * started, was aborted, or the sandbox got lost.
   */
  async run(command: string, options?: TextOptions): Promise<RunResult>;
  async run(command: string, options: BufferOptions): Promise<RunResult<Buffer>>;
  async run(command: string, args: readonly string[], options?: TextOptions): Promise<RunResult>;
  async run(command: string, args: readonly string[], options: BufferOptions): Promise<RunResult<Buffer>>;
  async run(
    command: string,
    argsOrOptions: readonly string[] | RunOptions = [],
    third: RunOptions = {},
  ): Promise<RunResult<string | Buffer>> {
    const [args, options] = isList(argsOrOptions) ? [argsOrOptions, third] : [[], argsOrOptions];
    const { cwd, env, shell, input, signal, reject, stdio } = options;
    signal?.throwIfAborted();
    const streams = stdio ?? [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    const refusals = new Refusals();
    const started = this.#start([command, args, { cwd, env, shell, stdio: streams }]);
    this.#hearing.refusals.set(started.child, refusals);
    const result = await finish(started, refusals, options);
    this.#hearing.throwIfLost();
    if (reject === true && result.exitCode !== 0) throw new RunError(command, result);
    return result;
  }

  /** Ends the sandbox and what still runs in it; fulfilled when all of it has ended. */
  close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#aborted);
    return (this.#closing ??= this.#backend.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(words: readonly unknown[]): ReturnType<Backend['start']> {
    this.#hearing.throwIfLost();
    if (this.#closing) throw new SandboxError('the sandbox is closed');
    return this.#backend.start(readSpawnArguments(words));
  }

  readonly #aborted = (): void => {
    void this.close().catch(() => undefined);
  };
}

type TextOptions = RunOptions & { readonly encoding?: 'utf8' | undefined };
type BufferOptions = RunOptions & { readonly encoding: 'buffer' };

/** What is told of a sandbox, and to whom. */
class Hearing {
  readonly refusals = new WeakMap<ChildProcess, Refusals>();
  lost: Error | undefined;
  readonly #onRefused: SandboxOptions['onRefused'];

  constructor(onRefused: SandboxOptions['onRefused']) {
    this.#onRefused = onRefused;
  }

  /** An error of the listener is the program's, and stops nobody from hearing what comes after it. */
  told(call: RefusedCall, child: ChildProcess | undefined): void {
    if (child) this.refusals.get(child)?.add(call);
    try {
      this.#onRefused?.(call, child);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  throwIfLost(): void {
    if (this.lost) throw this.lost;
  }
}

/** What it throws, what it does not answer, and what it answers late or otherwise, is a refusal. */
function inTime(ask: NonNullable<SandboxOptions['ask']>, milliseconds: number): Ask {
  return async (call) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Verdict>((done) => {
      timer = setTimeout(() => done('refuse'), milliseconds).unref();
    });
    try {
      return (await Promise.race([ask(call), late])) === 'allow' ? 'allow' : 'refuse';
    } catch {
      return 'refuse';
    } finally {
      clearTimeout(timer);
    }
  };
}

function isList(value: readonly string[] | RunOptions): value is readonly string[] {
  return Array.isArray(value);
}
