/** What starts commands in a sandbox: a secfilt for each (direct.ts), or one service for all (service.ts). */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { AskedCall, RefusedCall, Verdict } from './refused-call.ts';

/** A command as execvp(3) takes it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

export interface Started {
  readonly child: ChildProcess;
  /**
   * Fulfilled once everything that was refused to the command has been told, with how many calls that were, where that is known by
   * more than what was told; to be asked when it has ended.
   */
  readonly settled: () => Promise<number | undefined>;
}

export interface Backend {
  /** Starts a command inside. Throws what spawn() throws. */
  start(command: Command): Started;
  /** Ends the sandbox, and whatever runs in it. */
  close(): Promise<void>;
}

/** What a backend is made of. */
export interface BackendRequest {
  /** Options of secfilt(1); every path in them is absolute. */
  readonly words: readonly string[];
  readonly cwd: string;
  /** Told of each call that was refused, and to which command; none where that has ended by then. */
  readonly told: (call: RefusedCall, child: ChildProcess | undefined) => void;
  /** Somebody wants to hear of all of them. */
  readonly reports: boolean;
  readonly ask: Ask | undefined;
  /** Told when the sandbox is there no more, for a reason that nobody here has set. */
  readonly lost: (error: Error) => void;
  readonly signal: AbortSignal | undefined;
}

/** Rejects nothing: whoever does not say `allow` in time refuses. */
export type Ask = (call: AskedCall) => Promise<Verdict>;
