/** `secfilt --status`: the sandboxes of a service, as it tells of them. */
import { writeSync } from 'node:fs';
import { Errno, errnoMessage } from '../linux/errno.ts';
import { close, poll } from '../linux/libc.ts';
import { connectTo, receiveRecord, sendRecord } from '../linux/unix-listener.ts';
import { columnsOf, padToColumns } from '../report/columns.ts';
import { escapeBytes } from '../report/escape.ts';
import { usualSocket } from '../service/place.ts';
import { encodeRequest } from '../service/request.ts';
import type { SandboxStatus } from '../service/status.ts';
import type { Assignment } from './assignments.ts';
import { givenPath } from './given-path.ts';
import { UsageError } from './usage-error.ts';

/** Milliseconds that a service is waited for. */
const PATIENCE = 5000;
const LONGEST_RECORD = 0x4_0000;
const POLLIN = 1;

/** Prints them. Throws a UsageError where no service answers. */
export function status(given: Assignment, json: boolean): void {
  const path = given.text === '' ? Buffer.from(usualSocket(process.env)) : givenPath(given);
  const socket = connectTo(path);
  if (socket < 0) {
    const problem = `no service answers at ${escapeBytes(path)}: ${errnoMessage(-socket)}`;
    throw new UsageError({ option: given.spelling, problem, hint: 'secfilt --serve is one' });
  }
  sendRecord(socket, encodeRequest({ wanted: { kind: 'status' }, words: [] }), []);
  const sandboxes = receiveAll(socket, given);
  close(socket);
  writeSync(1, json ? `${JSON.stringify({ sandboxes })}\n` : asText(sandboxes));
}

/** Until the service has said all. Throws a UsageError where it says nothing in time. */
function receiveAll(socket: number, { spelling }: Assignment): SandboxStatus[] {
  const sandboxes: SandboxStatus[] = [];
  const entry = Buffer.alloc(8); // struct pollfd
  entry.writeInt32LE(socket, 0);
  entry.writeInt16LE(POLLIN, 4);
  for (;;) {
    if (poll(entry, 1, PATIENCE) === 0)
      throw new UsageError({ option: spelling, problem: 'the service says nothing' });
    const record = receiveRecord(socket, LONGEST_RECORD);
    if (record === -Errno.EAGAIN || record === -Errno.EINTR) continue;
    if (typeof record === 'number' || record === 'longer' || record.length === 0) return sandboxes;
    const sandbox: unknown = JSON.parse(record.toString());
    if (isStatus(sandbox)) sandboxes.push(sandbox);
  }
}

function isStatus(value: unknown): value is SandboxStatus {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && 'command' in value && 'policy' in value
  );
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
