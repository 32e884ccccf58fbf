/**
 * The log of --log: one JSON object a line. This is the schema, version 1. Members may be added to it without a new
 * version; a reader passes over those that it does not know.
 *
 * Paths and names are bytes: what is not printable UTF-8 stands as `\xNN`, a backslash as `\\`, so that every name can
 * be told from every other (in the JSON text each of these backslashes is doubled once more).
 */
import { readFileSync } from 'node:fs';
import { errnoName } from '../linux/errno.ts';
import { formatAddress } from '../policy/address-text.ts';
import type { Advice } from './advice.ts';
import { escapeBytes } from './escape.ts';
import type { Layer, Operation, ReferralEvent, ReportedObject } from './event.ts';

export interface LogRecord {
  /** Version of the schema. */
  readonly v: 1;
  /** RFC 3339, UTC, milliseconds: `2026-11-23T10:00:00.000Z`. */
  readonly time: string;
  /** Process and thread that made the call; the process and its name are missing where it was gone already. */
  readonly pid?: number;
  readonly tid: number;
  /** The thread's name, of at most 15 bytes (proc(5), /proc/PID/comm). */
  readonly command?: string;
  /** The system call: `openat`. */
  readonly call: string;
  readonly operation: Operation;
  readonly object: LoggedObject;
  readonly verdict: 'allowed' | 'refused';
  /** `EPERM`; where the call was allowed: what it failed with by itself, if that is known. */
  readonly errno?: string;
  readonly layer: Layer;
  /** The rule that decided, for people: its words may change. */
  readonly rule: string;
  /** The options that would allow the call, quoted for a shell. */
  readonly allow?: string;
  /** An option that wins over them and has to go. */
  readonly instead?: string;
  /** Why no option is suggested although one would allow it. */
  readonly sensitive?: string;
}

export type LoggedObject =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'paths'; readonly from: string; readonly to: string }
  | { readonly kind: 'address'; readonly address: string; readonly port: number; readonly protocol: string }
  | { readonly kind: 'unix-path'; readonly path: string }
  | { readonly kind: 'unix-abstract'; readonly name: string }
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'none' };

/** The line of an event, without line break. */
export function logLine(event: ReferralEvent, advice: Advice): string {
  const { tid, call, operation, verdict, layer, rule } = event;
  const record: LogRecord = {
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
  return JSON.stringify(record);
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
    case 'address':
      return { ...object, address: formatAddress(object.address) };
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
