/**
 * One service for all sandboxes of this program: a process of secfilt that is started with the first, holds them all, and ends when this
 * program does, however that ends, since their stream does. Commands are started by the client that it names: they are this
 * program's children.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, type Readable } from 'node:stream';
import { CHANNEL_VARIABLE } from '../options/host-names.ts';
import type { Backend, BackendRequest, Command, Started } from './backend.ts';
import { startChild, stdioOf } from './child.ts';
import { withoutLoading } from './environment.ts';
import { errorFrom, SandboxError } from './errors.ts';
import { readJsonLines } from './lines.ts';
import type { Program } from './place.ts';
import type { RequestNumber, SandboxNumber, ToProgram, ToService } from './protocol.ts';
import type { RefusedCall } from './refused-call.ts';

/** The service's descriptor for the stream. */
const CHANNEL = 3;
/** How much is kept of what a service prints before it fails. */
const LAST_WORDS = 4096;
/** How long a service whose stream has ended may take to say how it ended itself. */
const LAST_MOMENT_MS = 1000;

/** Here no service can be: a secfilt for each command may do. */
export class ServiceUnavailable extends SandboxError {}

type Answer = Extract<ToProgram, { readonly id: RequestNumber }>;

/** A sandbox of the service, with what is to be told of it. */
interface Held {
  readonly request: BackendRequest;
  readonly children: Map<number, ChildProcess>;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export class Service {
  readonly #child: ChildProcess;
  readonly #stream: Duplex & Partial<Record<'ref' | 'unref', () => void>>;
  readonly #requests = new Map<
    RequestNumber,
    { done: (answer: Answer) => void; fail: (error: Error) => void }
  >();
  readonly #sandboxes = new Map<SandboxNumber, Held>();
  #lastRequest = 0;
  #lastWords = '';
  #failure: Error | undefined;
  #lastMoment: NodeJS.Timeout | undefined;

  /** Starts it. It keeps the program from ending only while something is asked of it. */
  constructor({ file, args }: Program) {
    this.#child = spawn(file, args, {
      cwd: '/',
      // In a session of its own: what is typed at the terminal is for the program and its commands.
      detached: true,
      env: { ...withoutLoading(process.env), [CHANNEL_VARIABLE]: String(CHANNEL) },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    const stream = stdioOf(this.#child)[CHANNEL];
    if (!(stream instanceof Duplex)) {
      // Of whom nobody hears it, it would be an exception of the program's.
      this.#child.on('error', () => undefined);
      throw new SandboxError('the service cannot be started: no descriptor is left');
    }
    this.#stream = stream;
    this.#child.once('error', (error) => this.#end(`cannot be started: ${error.message}`));
    this.#child.once('exit', (code, signal) => this.#end(`has ended, ${signal ?? `with ${code}`}`));
    this.#child.once('exit', () => clearTimeout(this.#lastMoment));
    this.#listen();
    this.#child.unref();
    this.#stream.unref?.();
  }

  /** False: another one is to be started. */
  get isAlive(): boolean {
    return this.#failure === undefined;
  }

  /** Makes a sandbox. */
  async open(request: BackendRequest): Promise<Backend> {
    const { words, cwd, ask, reports } = request;
    const held: Held = { request, children: new Map() };
    const answer = await this.#ask(
      (id) => ({ id, start: { options: words, cwd, asks: ask !== undefined, reports } }),
      // What is told of it may come at once.
      (first) => 'started' in first && this.#sandboxes.set(first.started.sandbox, held),
    );
    if (!('started' in answer)) throw new SandboxError('the service answers what was not asked');
    const { sandbox, client } = answer.started;
    return {
      start: (command) => this.#start(sandbox, held, client, command),
      close: async () => {
        // Also those that are no members yet, and where Landlock scopes no signals the service reaches nobody.
        for (const child of held.children.values()) child.kill('SIGKILL');
        if (this.isAlive) await this.#ask((id) => ({ id, end: { sandbox } }));
        this.#sandboxes.delete(sandbox);
        await Promise.all([...held.children.values()].map(ended));
      },
    };
  }

  #start(sandbox: SandboxNumber, { children }: Held, client: string, command: Command): Started {
    const { file, args, options } = command;
    if (options.uid !== undefined || options.gid !== undefined)
      throw new TypeError("a service serves its own user: uid and gid need the backend 'direct'");
    const child = startChild(command, () => ({ file: client, args: [file, ...args], options }));
    const { pid } = child;
    if (pid === undefined) return { child, settled: () => Promise.resolve(undefined) };
    children.set(pid, child);
    let settling: Promise<number> | undefined;
    const settled = (): Promise<number> => (settling ??= this.#settle(sandbox, pid, children, child));
    // Whoever waits for it hears what became of it.
    child.once('close', () => void settled().catch(() => undefined));
    return { child, settled };
  }

  /** How many calls were refused to a command that has ended, when all of them have been told. */
  async #settle(
    sandbox: SandboxNumber,
    pid: number,
    children: Map<number, ChildProcess>,
    child: ChildProcess,
  ): Promise<number> {
    try {
      if (!this.#sandboxes.has(sandbox)) return 0;
      const answer = await this.#ask((id) => ({ id, settled: { sandbox, pid } }));
      return 'settled' in answer ? answer.settled.refused : 0;
    } finally {
      // The number may be another command's by now.
      if (children.get(pid) === child) children.delete(pid);
    }
  }

  #listen(): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own service
    readJsonLines(this.#stream, (message) => this.#hear(message as ToProgram));
    this.#stream.on('error', () => undefined);
    this.#stream.on('close', () => {
      if (this.#failure) return;
      this.#child.ref();
      this.#lastMoment = setTimeout(() => {
        this.#child.unref();
        this.#end('has ended their stream');
      }, LAST_MOMENT_MS);
    });
    const stderr: (Readable & Partial<Record<'unref', () => void>>) | null = this.#child.stderr;
    stderr?.setEncoding('utf8');
    stderr?.on('data', (text: string) => {
      this.#lastWords = `${this.#lastWords}${text}`.slice(-LAST_WORDS);
    });
    stderr?.unref?.();
  }

  #hear(message: ToProgram): void {
    if ('id' in message) this.#take(message);
    else if ('event' in message) {
      const { sandbox, pid, record } = message.event;
      const held = this.#sandboxes.get(sandbox);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only such are sent
      held?.request.told(record as RefusedCall, held.children.get(pid));
    } else if ('ask' in message) {
      const { ask, sandbox, record } = message.ask;
      const asked = this.#sandboxes.get(sandbox)?.request.ask?.(record) ?? Promise.resolve('refuse' as const);
      void asked.then((verdict) => this.#send({ answer: { ask, verdict } }));
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#requests.get(answer.id);
    this.#requests.delete(answer.id);
    if (this.#requests.size === 0) this.#stream.unref?.();
    if (!('error' in answer)) waiting?.done(answer);
    else if (answer.error.unavailable === true) waiting?.fail(new ServiceUnavailable(answer.error.message));
    else waiting?.fail(errorFrom(answer.error.message));
  }

  /** @param at is called with the answer before anything that comes after it is heard */
  #ask(request: (id: RequestNumber) => ToService, at?: (answer: Answer) => void): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#lastRequest += 1;
    const id = this.#lastRequest;
    return new Promise((done, fail) => {
      const answered = (answer: Answer): void => {
        at?.(answer);
        done(answer);
      };
      this.#requests.set(id, { done: answered, fail });
      this.#stream.ref?.();
      this.#send(request(id));
    });
  }

  #send(message: ToService): void {
    if (this.#stream.writable) this.#stream.write(`${JSON.stringify(message)}\n`);
  }

  /** All that waits fails, and all sandboxes are lost. */
  #end(why: string): void {
    if (this.#failure) return;
    const words = this.#lastWords.trim();
    const error = new SandboxError(`the service of the sandboxes ${why}${words === '' ? '' : `: ${words}`}`);
    this.#failure = error;
    for (const { fail } of this.#requests.values()) fail(error);
    for (const { request } of this.#sandboxes.values()) request.lost(error);
    this.#requests.clear();
    this.#sandboxes.clear();
    this.#stream.destroy();
  }
}
