/** What a service tells of a sandbox (`secfilt --status`): a record of JSON each. */
import { escapeBytes } from '../report/escape.ts';
import { argumentsOf } from './process-facts.ts';
import type { RunningSandbox } from './running-sandbox.ts';

export interface SandboxStatus {
  /** Of the command. */
  readonly pid: number;
  /** Escaped, as it is shown. Empty once the command itself has ended. */
  readonly command: readonly string[];
  /** The options of its policy. */
  readonly policy: readonly string[];
  /** Seconds. */
  readonly age: number;
  readonly referrals: number;
  readonly refusals: number;
}

/** Longer ones are cut off: a record has to fit into a socket. */
const MOST_WORDS = 64;
const LONGEST_WORD = 256;

export function statusRecord(sandbox: RunningSandbox): Buffer {
  const { pid, served, since, referrals, refusals } = sandbox;
  const words = (argumentsOf(pid) ?? []).slice(0, MOST_WORDS);
  const status: SandboxStatus = {
    pid,
    command: words.map((word) => escapeBytes(word.subarray(0, LONGEST_WORD))),
    policy: served.words.slice(0, MOST_WORDS).map((word) => word.slice(0, LONGEST_WORD)),
    age: Math.floor((Date.now() - since) / 1000),
    referrals,
    refusals,
  };
  return Buffer.from(JSON.stringify(status));
}
