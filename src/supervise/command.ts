/** The command as a child: signals passed on to it, its stops followed, its end remembered (signal(7), wait(2)). */
import { openText, close, getpgrp, kill, syscall, tcgetpgrp } from '../linux/libc.ts';
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, readProcText } from '../linux/files.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { nextChildChange } from '../linux/wait.ts';

export type CommandEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: number };

/** What to say where nothing is left of the sandbox and the command's end was never heard of. */
export const END_UNKNOWN =
  'everything that was started has ended, but how the command ended is unknown: somebody else has waited for it';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 } as const;
const SIGCONT = 18;
const SIGSTOP = 19;
/** The terminal sends these to the whole foreground group: the command has its own already. */
const FROM_TERMINAL = new Set<number>([SIGNALS.SIGINT, SIGNALS.SIGQUIT]);
/** A second wish to end, or one after the command has ended, is for what is left of the sandbox. */
const ENDING = new Set<number>([SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGTERM, SIGNALS.SIGQUIT]);

export class Command {
  readonly pid: number;
  /** Undefined while it runs. */
  end: CommandEnd | undefined;
  readonly #endSandbox: () => void;

  /** @param endSandbox ends what still runs when the command has ended */
  constructor(pid: number, endSandbox: () => void) {
    this.pid = pid;
    this.#endSandbox = endSandbox;
  }

  /**
   * Listens for the signals that were not ignored when we were started; those stay ignored.
   * @param children false: SIGCHLD too is left alone, because the caller waits for children without it
   */
  forwardSignals(children = true): void {
    const ignored = ignoredSignals();
    for (const [name, number] of Object.entries(SIGNALS)) {
      if ((ignored & (1n << BigInt(number - 1))) === 0n) process.on(name, () => this.#pass(number));
    }
    // Its handler does nothing: that the event loop wakes is what it is for.
    if (children) process.on('SIGCHLD', () => {});
  }

  #pass(signal: number): void {
    if (this.end !== undefined) {
      if (ENDING.has(signal)) this.#endSandbox();
    } else if (!FROM_TERMINAL.has(signal) || !isForeground()) {
      kill(this.pid, signal);
    }
  }

  /** Takes in every change of every child; orphans of the sandbox are ours too and are only reaped. */
  followChildren(): void {
    for (let change = nextChildChange(); change !== undefined; change = nextChildChange()) {
      if (change.pid === this.pid) this.change(change);
    }
  }

  /** Takes in what the command's own process has come to. */
  change(change: CommandEnd | { readonly kind: 'stopped' } | { readonly kind: 'continued' }): void {
    if (change.kind === 'stopped') this.#stopToo();
    else if (change.kind !== 'continued') this.end = change;
  }

  /** Whoever waits for us should see that the job has stopped. It goes on when we are continued. */
  #stopToo(): void {
    kill(process.pid, SIGSTOP);
    // With a group of its own it got no SIGCONT from the shell that continued us.
    const group = syscall(X86_64.getpgid, this.pid, 0, 0, 0, 0, 0);
    if (group !== getpgrp()) kill(this.pid, SIGCONT);
  }
}

/** Signals that are ignored by this process, as a mask: bit 0 is signal 1 (proc(5), SigIgn). */
function ignoredSignals(): bigint {
  const text = readProcText('/proc/self/status');
  const mask = typeof text === 'number' ? undefined : /^SigIgn:\t([0-9a-f]+)$/m.exec(text)?.[1];
  return mask === undefined ? 0n : BigInt(`0x${mask}`);
}

/** True when our process group is the one that the terminal sends its signals to. */
function isForeground(): boolean {
  const terminal = openText(AT_FDCWD, '/dev/tty', O_NOCTTY | O_CLOEXEC, 0);
  if (terminal < 0) return false;
  const group = tcgetpgrp(terminal);
  close(terminal);
  return group === getpgrp();
}
