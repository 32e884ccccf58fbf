/** One supervisor for many sandboxes: clients come by its socket, and each becomes a command under a policy of its own. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Errno, SyscallError } from '../linux/errno.ts';
import { close } from '../linux/libc.ts';
import { accept } from '../linux/unix-listener.ts';
import type { Loop } from '../supervise/engines/loop.ts';
import { Handshake } from './handshake.ts';
import { Peers, type Peer } from './peer.ts';
import type { PolicyWanted } from './request.ts';
import type { RunningSandbox } from './running-sandbox.ts';
import type { ServedPolicy, Supervisor } from './served.ts';
import { statusOf, statusText } from './status.ts';

/** More wait to be accepted. */
const MOST_HANDSHAKES = 64;
/** Milliseconds until the next try where no descriptor is left. */
const PAUSE = 50;

export interface ServiceOptions {
  readonly loop: Loop;
  readonly supervisor: Supervisor;
  /** A policy by its options; undefined: the service's own. Throws an Error whose message says why there is none. */
  readonly policyOf: (options: readonly Buffer[] | undefined) => Promise<ServedPolicy>;
  /** Told of each client that is not served, and why. */
  readonly declined?: (why: string) => void;
}

export class Service {
  readonly #options: ServiceOptions;
  readonly #peers = new Peers();
  readonly #handshakes = new Set<Handshake>();
  readonly #sandboxes = new Set<RunningSandbox>();
  readonly #opened = new Map<string, ServedPolicy>();
  readonly #path: Buffer;
  readonly #socket: number;
  /** How many commands were started. */
  served = 0;
  #isListening = false;
  #isEnding = false;

  /**
   * Takes clients from a socket that listens, and takes it over. Throws a SyscallError.
   * @param path where it is bound
   */
  constructor(options: ServiceOptions, socket: number, path: Buffer) {
    this.#options = options;
    this.#socket = socket;
    this.#path = path;
    this.#watchSocket();
  }

  get sandboxes(): ReadonlySet<RunningSandbox> {
    return this.#sandboxes;
  }

  /** True once it was ended and nobody is left. */
  get isGone(): boolean {
    return this.#isEnding && this.#sandboxes.size === 0 && this.#handshakes.size === 0;
  }

  /** A policy for clients that know the token that is returned. */
  open(policy: ServedPolicy): string {
    const token = randomBytes(16).toString('hex');
    this.#opened.set(token, policy);
    return token;
  }

  /** Ends its sandboxes; no more are started. */
  close(token: string): void {
    const policy = this.#opened.get(token);
    this.#opened.delete(token);
    if (policy === undefined) return;
    for (const handshake of this.#handshakes) if (handshake.served === policy) handshake.drop();
    for (const sandbox of this.#sandboxes) if (sandbox.served === policy) sandbox.end();
  }

  /** Takes no more clients, and tells all commands to end (SIGTERM). False where that was done before. */
  tell(): boolean {
    if (this.#isEnding) return false;
    this.#isEnding = true;
    this.#pause();
    rmSync(this.#path, { force: true });
    close(this.#socket);
    for (const handshake of this.#handshakes) handshake.drop();
    for (const sandbox of this.#sandboxes) sandbox.tell();
    return true;
  }

  /** Takes no more clients, and ends all sandboxes. */
  end(): void {
    this.tell();
    for (const sandbox of this.#sandboxes) sandbox.end();
  }

  #listen(): void {
    if (this.#isListening || this.#isEnding) return;
    try {
      this.#watchSocket();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // A sandbox can use up what its user may watch (epoll(7), max_user_watches).
      this.#listenLater();
    }
  }

  #watchSocket(): void {
    this.#options.loop.watch(this.#socket, () => this.#accept());
    this.#isListening = true;
  }

  #listenLater(): void {
    this.#options.loop.later(PAUSE, () => this.#listen());
  }

  #pause(): void {
    if (this.#isListening) this.#options.loop.unwatch(this.#socket);
    this.#isListening = false;
  }

  /** One at a time: the sandboxes have their turns in between. */
  #accept(): void {
    const socket = accept(this.#socket);
    if (socket < 0) {
      if (socket === -Errno.EAGAIN) return;
      // Else it would be told of again and again that somebody waits: for want of descriptors, mostly.
      this.#pause();
      this.#listenLater();
      return;
    }
    const peer = this.#peers.check(socket);
    if (typeof peer === 'string') {
      this.#options.declined?.(peer);
      close(socket);
      return;
    }
    try {
      this.#handshakes.add(this.#handshakeWith(socket, peer));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#options.supervisor.fault(error);
      close(socket);
      close(peer.pidDescriptor);
    }
    if (this.#handshakes.size >= MOST_HANDSHAKES) this.#pause();
  }

  #handshakeWith(socket: number, peer: Peer): Handshake {
    const { loop, supervisor } = this.#options;
    return new Handshake(
      {
        loop,
        supervisor,
        policyFor: (wanted) => this.#policyFor(wanted),
        status: (asJson) => statusText(Array.from(this.#sandboxes, statusOf), asJson),
        started: (sandbox) => {
          this.served += 1;
          this.#sandboxes.add(sandbox);
        },
        gone: (sandbox) => this.#sandboxes.delete(sandbox),
        over: (one) => {
          this.#handshakes.delete(one);
          this.#listen();
        },
      },
      socket,
      peer,
    );
  }

  async #policyFor(wanted: PolicyWanted): Promise<ServedPolicy> {
    if (wanted.kind === 'policy') return this.#options.policyOf(wanted.options);
    const policy = this.#opened.get(wanted.token);
    if (policy === undefined) throw new Error('the sandbox that this client is for has been closed');
    return policy;
  }
}
