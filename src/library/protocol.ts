/**
 * What a program and the service of its sandboxes say to each other: one JSON object a line, in UTF-8, by a stream socket that is the
 * service's descriptor 3. Who of the two ends the stream ends all sandboxes. Types only: the service's side imports them.
 */
import type { LogRecord } from '../report/log-record.ts';
import type { Verdict } from './refused-call.ts';

/** The number of a request; its answer carries the same. */
export type RequestNumber = number;
/** Chosen by the service. */
export type SandboxNumber = number;

/** From the program to the service. */
export type ToService =
  /** A sandbox is wanted. The options are words of the command line, relative paths in them start at `cwd`. */
  | {
      readonly id: RequestNumber;
      readonly start: {
        readonly options: readonly string[];
        readonly cwd: string;
        /** What no rule allows is to be asked, where a person or a program may allow it. */
        readonly asks: boolean;
        /** Somebody hears of each call that is refused. */
        readonly reports: boolean;
      };
    }
  /** It is to end, and everything in it. */
  | { readonly id: RequestNumber; readonly end: { readonly sandbox: SandboxNumber } }
  /**
   * The command with this process number (of the client, as the program has started it) has ended: to be answered
   * once all that it did was told.
   */
  | {
      readonly id: RequestNumber;
      readonly settled: { readonly sandbox: SandboxNumber; readonly pid: number };
    }
  | { readonly answer: { readonly ask: number; readonly verdict: Verdict } };

/** From the service to the program. */
export type ToProgram =
  /** `client` is the path of an executable: `client command arguments…` runs a command in the sandbox. */
  | {
      readonly id: RequestNumber;
      readonly started: { readonly sandbox: SandboxNumber; readonly client: string };
    }
  | { readonly id: RequestNumber; readonly ended: { readonly sandbox: SandboxNumber } }
  | {
      readonly id: RequestNumber;
      readonly settled: { readonly sandbox: SandboxNumber; readonly pid: number; readonly refused: number };
    }
  /** The request failed. `unavailable`: here no service can be, for whatever policy; `message` is what secfilt(1) would print. */
  | {
      readonly id: RequestNumber;
      readonly error: { readonly message: string; readonly unavailable?: boolean };
    }
  /** A call was refused. `pid` is that of the client's process, whatever process below it has made the call. */
  | { readonly event: { readonly sandbox: SandboxNumber; readonly pid: number; readonly record: LogRecord } }
  /** A call waits for an answer. */
  | {
      readonly ask: {
        readonly ask: number;
        readonly sandbox: SandboxNumber;
        readonly pid: number;
        readonly record: LogRecord;
      };
    }
  /** The call does not wait any longer: its thread was killed, or its time is over. */
  | { readonly withdrawn: { readonly ask: number } };
