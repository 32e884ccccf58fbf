/** A sandbox of a service's that runs, until nobody is left in it. */
import { close } from '../linux/libc.ts';
import { pidfdSendSignal } from '../linux/spawn.ts';
import type { Reach, Watchdog } from '../launch/handover.ts';
import type { Loop } from '../supervise/engines/loop.ts';
import { NotifyListener } from '../supervise/engines/notify.ts';
import type { PendingCalls } from '../supervise/pending.ts';
import type { Sandbox } from '../supervise/sandbox.ts';
import type { ServedPolicy, SandboxReporter } from './served.ts';

const SIGTERM = 15;

/** What it is put together from. The descriptors are its own from then on. */
export interface SandboxParts {
  readonly loop: Loop;
  readonly pid: number;
  readonly pidDescriptor: number;
  readonly listener: number;
  /** To the watchdog, which ends what is left in the sandbox when this is closed without a word. */
  readonly controlSocket: number;
  /** Asks by that socket. Undefined: nobody is asked. */
  readonly reach: Reach | undefined;
  readonly watchdog: Watchdog;
  readonly sandbox: Sandbox;
  readonly pending: PendingCalls;
  readonly served: ServedPolicy;
  readonly reporter: SandboxReporter;
  readonly fault: (error: unknown) => void;
}

export class RunningSandbox {
  readonly pid: number;
  readonly served: ServedPolicy;
  /** Milliseconds since the epoch. */
  readonly since: number = Date.now();
  readonly #parts: SandboxParts;
  readonly #listener: NotifyListener;
  readonly #gone: (sandbox: RunningSandbox) => void;
  #isEmpty = false;
  #hasEnded = false;
  #isTold = false;

  /**
   * Throws a SyscallError where it cannot be watched; the descriptors stay the caller's then.
   * @param gone told once, when all is let go of
   */
  constructor(parts: SandboxParts, gone: (sandbox: RunningSandbox) => void) {
    this.pid = parts.pid;
    this.served = parts.served;
    this.#parts = parts;
    this.#gone = gone;
    const { loop, listener, sandbox, pending, pidDescriptor, fault } = parts;
    this.#listener = new NotifyListener(listener);
    loop.watch(pidDescriptor, () => {
      loop.unwatch(pidDescriptor);
      this.#hasEnded = true;
      parts.reporter.commandEnded?.();
      this.#letGo();
    });
    try {
      loop.supervise({
        listener: this.#listener,
        handlers: sandbox.handlers,
        pending,
        fault,
        emptied: () => {
          this.#isEmpty = true;
          this.#letGo();
        },
      });
    } catch (error) {
      loop.unwatch(pidDescriptor);
      throw error;
    }
  }

  /** The command itself has ended: its number may be another's. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Calls that came to the supervisor. */
  get referrals(): number {
    return this.#listener.received;
  }

  /** Those of them that were refused. */
  get refusals(): number {
    return this.#parts.reporter.refused;
  }

  /** Asks the command to end (SIGTERM). */
  tell(): void {
    if (!this.#hasEnded) pidfdSendSignal(this.#parts.pidDescriptor, SIGTERM);
  }

  /** Ends all that still runs in it, if its ruleset scopes signals. */
  end(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    // Calls may still come, of those who are being ended.
    this.#parts.reach?.end();
    close(this.#parts.controlSocket);
  }

  #letGo(): void {
    if (!this.#isEmpty || !this.#hasEnded) return;
    const { listener, pidDescriptor, watchdog, sandbox, reporter } = this.#parts;
    // Whom the watchdog ends then are none.
    this.end();
    for (const descriptor of [listener, pidDescriptor, watchdog.pidDescriptor]) close(descriptor);
    sandbox.release();
    reporter.ended?.();
    this.#gone(this);
  }
}
