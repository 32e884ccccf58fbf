/**
 * A secfilt for each command. It needs nothing but what the command line needs, and takes as long. What is refused is told by the
 * log (docs/log-schema.md) on a pipe of its own; that is read while the command runs, so that whoever does not read holds up
 * whoever has much to tell, and nothing is lost.
 */
import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Backend, BackendRequest, Command, Started } from './backend.ts';
import { startChild, stdioOf, type Starter } from './child.ts';
import { environmentOf } from './environment.ts';
import { errorFrom, SandboxError } from './errors.ts';
import { readJsonLines } from './lines.ts';
import { secfilt } from './place.ts';
import type { RefusedCall } from './refused-call.ts';

/** The first descriptor after the standard streams. */
const LOG = 3;
const PREFIX = 'secfilt: ';

/** Finds out whether the policy can be put in force here, and by which engine. Rejects with what secfilt says. */
export async function startDirect(request: BackendRequest): Promise<Backend> {
  if (request.ask !== undefined)
    throw new SandboxError('ask needs a service for sandboxes, and here is none: leave it out');
  const engine = await askEngine(request);
  if (engine === 'kernel' && request.reports)
    throw new SandboxError('the kernel engine has nobody who could tell of refusals: leave onRefused out');
  const words = request.words.filter((word) => !word.startsWith('--engine='));
  return new Direct([...words, `--engine=${engine}`], engine !== 'kernel', request.told);
}

/** The engine that `--explain` finds. */
async function askEngine({ words, cwd, signal }: BackendRequest): Promise<string> {
  const { file, args } = secfilt([...words, '--explain', '--json']);
  const options = { cwd, env: environmentOf(process.env), ...(signal && { signal }) };
  const text = await new Promise<string>((done, fail) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else if (stderr.startsWith(PREFIX)) fail(errorFrom(saidIn(stderr)));
      else fail(error);
    });
  });
  const explained: { readonly engine: string } = JSON.parse(text);
  return explained.engine;
}

/** What secfilt has printed, without its name. */
function saidIn(stderr: string): string {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line))
    .join('\n');
}

class Direct implements Backend {
  readonly #words: readonly string[];
  readonly #logs: boolean;
  readonly #told: BackendRequest['told'];
  readonly #running = new Set<ChildProcess>();

  /** @param logs somebody can tell of refusals */
  constructor(words: readonly string[], logs: boolean, told: BackendRequest['told']) {
    this.#words = words;
    this.#logs = logs;
    this.#told = told;
  }

  start(command: Command): Started {
    const child = startChild(command, () => this.#starter(command));
    if (child.pid !== undefined) {
      this.#running.add(child);
      child.once('close', () => this.#running.delete(child));
    }
    const log = stdioOf(child)[LOG];
    if (log instanceof Readable) {
      hide(child, log);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- secfilt wrote it
      readJsonLines(log, (record) => this.#told(record as RefusedCall, child));
    }
    // The child is closed once its pipes are, and the log is one of them.
    return { child, settled: () => Promise.resolve(undefined) };
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async (child) => {
        child.kill('SIGKILL');
        await once(child, 'close');
      }),
    );
  }

  #starter({ file, args, options }: Command): Starter {
    const log = this.#logs ? [`--log=/dev/fd/${LOG}`] : [];
    const stdio = Array.isArray(options.stdio) ? options.stdio : [];
    return {
      ...secfilt(['--quiet', ...log, ...this.#words, '--', file, ...args]),
      options: {
        ...options,
        env: environmentOf(options.env ?? process.env),
        stdio: this.#logs ? [...stdio, 'pipe'] : stdio,
      },
    };
  }
}

/** The log is nobody's business, and keeps nobody from ending who does not wait for the child. */
function hide(child: ChildProcess, log: Readable): void {
  Object.defineProperty(child, 'stdio', { value: child.stdio.slice(0, LOG) });
  const handle = log as Readable & Partial<Record<'ref' | 'unref', () => void>>;
  const [ref, unref] = [child.ref.bind(child), child.unref.bind(child)];
  child.ref = () => {
    handle.ref?.();
    ref();
  };
  child.unref = () => {
    handle.unref?.();
    unref();
  };
}
