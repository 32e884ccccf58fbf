/**
 * Starts programs, plain or under secfilt, and collects what they say.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';

import { clientWords } from './client.ts';
import { patience, secfiltScript, testEngine } from './environment.ts';

export interface RunOptions {
  readonly stdin?: string | Buffer;
  /** Added to the environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Milliseconds until the program is killed and the run fails; more on a slow machine. */
  readonly timeout?: number;
  readonly stdio?: StdioOptions;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function environment(changes: RunOptions['env'] = {}): NodeJS.ProcessEnv {
  // SHLVL: an outermost bash whose standard input is a socket, as Node's pipes are, reads ~/.bashrc.
  const result: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', SHLVL: '1' };
  delete result['NODE_OPTIONS'];
  delete result['NODE_TEST_CONTEXT'];
  delete result['SECFILTER_TEST_ENGINE'];
  delete result['SECFILTER_TEST_SERVICES'];
  delete result['SECFILTER_TEST_SLOWNESS'];
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result;
}

/** The words that start secfilt: the built command under the Node that runs the tests, or a client of a service. */
export function secfiltWords(args: readonly string[]): [string, ...string[]] {
  const client = clientWords(args);
  if (client !== undefined) return client;
  const engine = testEngine === undefined || testEngine === 'auto' ? [] : [`--engine=${testEngine}`];
  return [process.execPath, secfiltScript, ...engine, ...args];
}

export function start(words: readonly string[], options: RunOptions = {}): ChildProcess {
  const [file, ...args] = words;
  if (file === undefined) throw new Error('no program named');
  return spawn(file, args, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: options.stdio ?? 'pipe',
  });
}

/** Runs a program to its end, which is when its output is closed too. */
export function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return finish(start(words, options), words, options);
}

export function secfilt(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(secfiltWords(args), options);
}

function finish(child: ChildProcess, words: readonly string[], options: RunOptions): Promise<Outcome> {
  const timeout = patience(options.timeout ?? 60_000);
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (data: Buffer) => stdout.push(data));
    child.stderr?.on('data', (data: Buffer) => stderr.push(data));
    const said = () => ({
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(
        new Error(`no end after ${timeout} ms: ${words.join(' ').slice(0, 300)}\n${JSON.stringify(said())}`),
      );
    }, timeout);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...said() });
    });
    // A command that does not read its input may be gone before it is written.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.stdin ?? '');
  });
}
