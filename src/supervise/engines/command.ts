/** The command as a child: signals passed on to it, its stops followed, its end remembered (signal(7), wait(2)). */
import { openText, close, getpgrp, kill, tcgetpgrp } from '../../linux/libc.ts';
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, readProcText } from '../../linux/files.ts';
import { nextChildChange } from '../../linux/wait.ts';
import { stopToo } from './stop-too.ts';

export type CommandEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: number };

/** What to say where nothing is left of the sandbox and the command's end was never heard of. */
export const END_UNKNOWN =
  'everything that was started has ended, but how the command ended is unknown: somebody else has waited for it';

const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  // We stop when the command has stopped: it may have caught or ignored the key.
  SIGTSTP: 20,
} as const;
const SIGSTOP = 19;
/** The terminal sends these to the whole foreground group: the command has its own already. */
const FROM_TERMINAL = new Set<number>([SIGNALS.SIGINT, SIGNALS.SIGQUIT, SIGNALS.SIGTSTP]);
/** A second wish to end, or one after the command has ended, is for what is left of the sandbox. */
const ENDING = new Set<number>([SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGTERM, SIGNALS.SIGQUIT]);

let isEndWanted = false;

/** Whether somebody has wished that we end. */
export function isEndAskedFor(): boolean {
  return isEndWanted;
}

export class Command {
  readonly pid: number;
  /** Undefined while it runs. */
  end: CommandEnd | undefined;
  readonly #endSandbox: () => void;
  /** What the event loop tells now came before we went on together with the command. */
  #hasJustGoneOn = false;
  readonly #traced: boolean;

  /**
   * @param endSandbox ends what still runs when the command has ended
   * @param traced we are its tracer: children are waited for without SIGCHLD
   */
  constructor(pid: number, endSandbox: () => void, traced: boolean) {
    this.pid = pid;
    this.#endSandbox = endSandbox;
    this.#traced = traced;
  }

  /** Listens for the signals that were not ignored when we were started; those stay ignored. */
  forwardSignals(): void {
    const ignored = ignoredSignals();
    for (const [name, number] of Object.entries(SIGNALS)) {
      if ((ignored & (1n << BigInt(number - 1))) === 0n) process.on(name, () => this.#pass(number));
    }
    // Its handler does nothing: that the event loop wakes is what it is for.
    if (!this.#traced) process.on('SIGCHLD', () => {});
  }

  #pass(signal: number): void {
    isEndWanted ||= ENDING.has(signal);
    if (this.end !== undefined) {
      if (ENDING.has(signal)) this.#endSandbox();
      if (signal === SIGNALS.SIGTSTP) kill(process.pid, SIGSTOP);
    } else if (signal === SIGNALS.SIGTSTP && this.#hasJustGoneOn) {
      // The key that has stopped the command too: in the background it would pass for somebody's wish.
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
  change(
    change:
      | CommandEnd
      | { readonly kind: 'stopped'; readonly signal: number }
      | { readonly kind: 'continued' },
  ): void {
    if (change.kind === 'stopped') {
      stopToo(this.pid, change.signal, this.#traced);
      this.#hasJustGoneOn = true;
      // By then the event loop has told of the signals that were there already.
      setImmediate(() => (this.#hasJustGoneOn = false));
    } else if (change.kind !== 'continued') this.end = change;
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
