/**
 * The service of one program's sandboxes (library/service.ts): started by the program and told by a stream what to hold. Its clients
 * are the program's own children, each made for one sandbox; what is refused to them is told to the program.
 */
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClient } from '../launch/client.ts';
import { connectedPair } from '../launch/launch.ts';
import { Errno } from '../linux/errno.ts';
import { close, exitNow } from '../linux/libc.ts';
import { peerPidfd } from '../linux/sockets.ts';
import { listenAt } from '../linux/unix-listener.ts';
import type { Policy } from '../policy/policy.ts';
import { Advisor } from '../report/advice.ts';
import type { ReferralEvent } from '../report/event.ts';
import { homeDirectories } from '../report/homes.ts';
import { logRecord } from '../report/log.ts';
import { Refusals } from '../report/refusals.ts';
import { openScreen } from '../report/sink.ts';
import {
  type OpenRequest,
  type OpenSandbox,
  type SandboxOpener,
  serveHost,
  type Teller,
  Unavailable,
} from '../service/host-channel.ts';
import { encodeRequest } from '../service/request.ts';
import type { SandboxReporter, ServedPolicy } from '../service/served.ts';
import { Service } from '../service/service.ts';
import { Loop } from '../supervise/engines/loop.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import { identifySelf, protectSelf } from '../supervise/engines/self.ts';
import { JUDGES } from '../supervise/judges.ts';
import type { Asker } from '../supervise/asking.ts';
import { endWatch, startWatch } from '../supervise/watch.ts';
import { readCommandLine } from './command-line.ts';
import { SecretPlaces } from './secret-places.ts';
import { obstacleToLooking, THREADS } from './serve.ts';
import { servedPolicy } from './served-policy.ts';

const SOCKET = 'socket';
/** A socket's path is short (unix(7)). */
const LONGEST_PARENT = 80;
/** Milliseconds between two looks at who is left of a sandbox that was ended, and how long that may take. */
const LOOK = 5;
const LONGEST_END = 5000;

/** Serves until the program ends the stream, or itself; ends this process. */
export async function serveProgram(channel: number): Promise<never> {
  process.env['UV_THREADPOOL_SIZE'] ??= THREADS;
  const stream = new Socket({ fd: channel });
  const made = makeService();
  if (typeof made === 'string') {
    await serveHost(stream, { open: () => Promise.reject(new Unavailable(made)) });
    return exitNow(0);
  }
  const { loop, service, folder } = made;
  // What follows upon them, as that it is closed, is told in the event loop's next turn, which it would wait for.
  for (const event of ['data', 'end', 'error', 'close']) stream.on(event, () => loop.turnSoon());
  let isOver = false;
  serveHost(stream, new Sandboxes(loop, service, folder))
    .catch(fault)
    .finally(() => {
      isOver = true;
      service.end();
      loop.turnSoon();
    });
  await loop.run(
    () => isOver && service.isGone,
    () => {},
  );
  endWatch();
  rmSync(folder, { recursive: true, force: true });
  return exitNow(0);
}

/** With a folder for its clients that only this user can enter; or why here can be no service. */
function makeService(): { loop: Loop; service: Service; folder: string } | string {
  const identity = identifySelf();
  const features = probeKernel(process.env);
  if (!features.listener) return 'this kernel has no seccomp user notification';
  const obstacle = obstacleToLooking() ?? obstacleToKnowing();
  if (obstacle !== undefined) return obstacle;
  const parent = tmpdir().length > LONGEST_PARENT ? '/tmp' : tmpdir();
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(parent, 'secfilt-'));
    const path = Buffer.from(join(folder, SOCKET));
    const socket = listenAt(path);
    protectSelf();
    startWatch();
    const loop = new Loop();
    const supervisor = { identity, features, judges: JUDGES, fault };
    return { loop, service: new Service({ loop, supervisor, policyOf }, socket, path), folder };
  } catch (error) {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    return `no service can be made in ${parent}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What is said here the program keeps for when its service fails. */
const screen = openScreen();

function fault(error: unknown): void {
  screen.write(`secfilt: a call was refused for a fault of secfilt itself: ${String(error)}`);
}

/** All of its policies are opened by the program. */
function policyOf(): Promise<never> {
  return Promise.reject(new Error('this service is for the sandboxes of one program'));
}

/** Undefined: the kernel tells for sure who connects. */
function obstacleToKnowing(): string | undefined {
  const [near, far] = connectedPair();
  const peer = peerPidfd(near);
  for (const descriptor of [near, far, ...(peer < 0 ? [] : [peer])]) close(descriptor);
  return peer === -Errno.ENOPROTOOPT ? 'this kernel does not tell for sure who connects' : undefined;
}

class Sandboxes implements SandboxOpener {
  readonly #loop: Loop;
  readonly #service: Service;
  readonly #folder: string;
  #opened = 0;

  /** @param folder for the clients */
  constructor(loop: Loop, service: Service, folder: string) {
    this.#loop = loop;
    this.#service = service;
    this.#folder = folder;
  }

  async open({ options, asks, reports = true }: OpenRequest, teller: Teller): Promise<OpenSandbox> {
    const reporters = new Map<number, ProgramReporter>();
    const silent = await this.#policyOf(options, (pid, policy) => {
      const reporter = new ProgramReporter(pid, policy, teller);
      reporters.set(pid, reporter);
      return reporter;
    });
    const heard = { ...silent, wantsReports: asks || reports };
    const served = asks ? { ...heard, askerFor: (pid: number) => askerOf(pid, teller) } : heard;
    const token = this.#service.open(served);
    const client = this.#makeClient(token);
    return {
      client,
      settled: (pid) => {
        const count = reporters.get(pid)?.refused ?? 0;
        reporters.delete(pid);
        return count;
      },
      close: async () => {
        this.#service.close(token);
        rmSync(client, { force: true });
        await this.#emptied(served);
      },
    };
  }

  async #policyOf(
    options: readonly string[],
    reporterFor: (pid: number, policy: Policy) => SandboxReporter,
  ): Promise<ServedPolicy> {
    const words = options.map((word) => Buffer.from(word));
    const line = [...words.map((word) => word.toString('latin1')), '--', 'command'];
    const commandLine = await readCommandLine(line);
    if (commandLine.kind !== 'run') throw new Error('a policy is made of options that say what may be done');
    const { settings } = commandLine;
    if (settings.engine === 'trace' || settings.engine === 'kernel')
      throw new Unavailable(`the engine of a service is notify, not ${settings.engine}`);
    const place = Buffer.from(this.#folder);
    const reports = { log: undefined, screen, verbose: false, quiet: true, place };
    const served = await servedPolicy(settings, words, reports);
    return { ...served, reporterFor: (pid) => reporterFor(pid, served.policy) };
  }

  #makeClient(token: string): string {
    this.#opened += 1;
    const path = join(this.#folder, String(this.#opened));
    const socket = join(this.#folder, SOCKET);
    const request = encodeRequest({ wanted: { kind: 'sandbox', token }, words: [] });
    writeFileSync(path, buildClient({ socket: Buffer.from(socket), request, names: { socket } }));
    chmodSync(path, 0o700);
    try {
      accessSync(path, constants.X_OK);
    } catch {
      throw new Unavailable(`programs in ${this.#folder} may not be executed (mount(8), noexec)`);
    }
    return path;
  }

  /** Fulfilled when nobody is left in the sandboxes of a policy, as far as they can be ended at all. */
  #emptied(served: ServedPolicy): Promise<void> {
    const last = performance.now() + LONGEST_END;
    return new Promise((done) => {
      const look = (): void => {
        const isEmpty = ![...this.#service.sandboxes].some((sandbox) => sandbox.served === served);
        if (!isEmpty && performance.now() < last) this.#loop.later(LOOK, look);
        else {
          done();
          this.#loop.turnSoon();
        }
      };
      look();
    });
  }
}

/** Asks a program about a call of one of its commands. */
function askerOf(pid: number, teller: Teller): Asker {
  return (event, answer) => {
    const asked = teller.ask(pid, logRecord(event, { kind: 'none' }));
    void asked.verdict.then(answer);
    return asked;
  };
}

/** Tells a program what is refused to one of its commands. */
class ProgramReporter implements SandboxReporter {
  readonly wantsAllowed = false;
  readonly #pid: number;
  readonly #teller: Teller;
  readonly #refusals = new Refusals();
  readonly #advisor: Advisor;

  constructor(pid: number, policy: Policy, teller: Teller) {
    this.#pid = pid;
    this.#teller = teller;
    const secrets = policy.read && new SecretPlaces();
    this.#advisor = new Advisor(policy, () => homeDirectories(process.env), undefined, secrets);
  }

  get refused(): number {
    return this.#refusals.total;
  }

  report(event: ReferralEvent): void {
    let isFirst = false;
    const advice = this.#refusals.add(event, (unseen) => {
      isFirst = true;
      return this.#advisor.advise(unseen);
    });
    // What the filter refuses says nothing new the second time.
    if (isFirst || event.layer !== 'filter') this.#teller.refused(this.#pid, logRecord(event, advice));
  }
}
