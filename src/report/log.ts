/** The log of --log: one JSON object a line (log-record.ts). */
import { readFileSync } from 'node:fs';
import { errnoName } from '../linux/errno.ts';
import { formatAddress } from '../policy/address-text.ts';
import type { Advice } from './advice.ts';
import { escapeBytes } from './escape.ts';
import type { ReferralEvent, ReportedObject } from './event.ts';
import type { LoggedObject, LogRecord } from './log-record.ts';

/** The line of an event, without line break. */
export function logLine(event: ReferralEvent, advice: Advice): string {
  return JSON.stringify(logRecord(event, advice));
}

/** What is on that line. */
export function logRecord(event: ReferralEvent, advice: Advice): LogRecord {
  const { tid, call, operation, verdict, layer, rule } = event;
  return {
    v: 1,
    time: new Date(event.time).toISOString(),
    ...ownerOf(tid),
    tid,
    call,
    operation,
    object: loggedObject(event.object),
    verdict,
    ...(event.errno !== 0 && { errno: errnoName(event.errno) }),
    layer,
    rule,
    ...(advice.kind === 'options' && { allow: advice.options }),
    ...(advice.kind === 'options' && advice.instead !== undefined && { instead: advice.instead }),
    ...(advice.kind === 'sensitive' && { sensitive: advice.reason }),
  };
}

function loggedObject(object: ReportedObject): LoggedObject {
  switch (object.kind) {
    case 'path':
    case 'unix-path':
      return { kind: object.kind, path: escapeBytes(object.path) };
    case 'paths':
      return { kind: object.kind, from: escapeBytes(object.from), to: escapeBytes(object.to) };
    case 'unix-abstract':
      return { kind: object.kind, name: escapeBytes(object.name) };
    case 'address': {
      const { kind, address, port, protocol, names } = object;
      const escaped = names?.map((name) => escapeBytes(Buffer.from(name)));
      return { kind, address: formatAddress(address), port, protocol, ...(escaped && { names: escaped }) };
    }
    case 'host':
      return { kind: object.kind, name: escapeBytes(Buffer.from(object.name)) };
    case 'process':
    case 'none':
      return object;
  }
}

/** One file tells both; the kernel escapes line breaks and backslashes of the name in it, and nothing else. */
const STATUS_PATTERN = /^Name:\t(?<name>.*)\n(?:.*\n)*?Tgid:\t(?<pid>\d+)\n/;

function ownerOf(tid: number): { pid?: number; command?: string } {
  try {
    const { name = '', pid } =
      STATUS_PATTERN.exec(readFileSync(`/proc/${tid}/status`, 'latin1'))?.groups ?? {};
    const command = name.replace(/\\([n\\])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : '\\'));
    return pid === undefined
      ? {}
      : { pid: Number(pid), command: escapeBytes(Buffer.from(command, 'latin1')) };
  } catch {
    return {};
  }
}
