/** What a service tells of its sandboxes (`secfilt --status`). */
import { columnsOf, padToColumns } from '../report/columns.ts';
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

/** Longer ones are cut off: what is told has to fit into one message. */
const MOST_WORDS = 16;
const LONGEST_WORD = 80;
const MOST_SANDBOXES = 200;

export function statusOf(sandbox: RunningSandbox): SandboxStatus {
  const { pid, served, since, referrals, refusals, hasEnded } = sandbox;
  const words = (hasEnded ? [] : (argumentsOf(pid) ?? [])).slice(0, MOST_WORDS);
  return {
    pid,
    command: words.map((word) => escapeBytes(word.subarray(0, LONGEST_WORD))),
    policy: served.words.slice(0, MOST_WORDS).map((word) => word.slice(0, LONGEST_WORD)),
    age: Math.floor((Date.now() - since) / 1000),
    referrals,
    refusals,
  };
}

export function statusText(all: readonly SandboxStatus[], asJson: boolean): Buffer {
  const sandboxes = all.slice(0, MOST_SANDBOXES);
  const left = all.length - sandboxes.length;
  if (asJson) return Buffer.from(`${JSON.stringify({ sandboxes, more: left })}\n`);
  return Buffer.from(`${asText(sandboxes)}${left > 0 ? `and ${left} more\n` : ''}`);
}

const HEADINGS = ['PID', 'AGE', 'REFERRED', 'REFUSED', 'COMMAND', 'POLICY'];

function asText(sandboxes: readonly SandboxStatus[]): string {
  if (sandboxes.length === 0) return 'no sandbox runs\n';
  const rows = sandboxes.map(({ pid, age, referrals, refusals, command, policy }) => [
    String(pid),
    `${age} s`,
    String(referrals),
    String(refusals),
    command.join(' ') || '(has ended)',
    policy.join(' '),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => columnsOf(row[column] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => padToColumns(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [HEADINGS, ...rows].map((row) => `${line(row)}\n`).join('');
}
