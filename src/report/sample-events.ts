/** Events for tests. */
import type { Operation, ReferralEvent, ReportedObject } from './event.ts';

/** A refused call; the rule names an option unless told otherwise. */
export function refusal(
  operation: Operation,
  object: ReportedObject,
  more: Partial<ReferralEvent> = {},
): ReferralEvent {
  return {
    time: Date.UTC(2026, 10, 23, 10),
    tid: process.pid,
    call: 'openat',
    operation,
    object,
    verdict: 'refused',
    errno: 1,
    layer: 'supervisor',
    rule: 'outside --write-allow',
    ...more,
  };
}

/** A file that was to be written, its path in latin1. */
export function writeOf(path: string): ReferralEvent {
  return refusal('write', { kind: 'path', path: Buffer.from(path, 'latin1') });
}

/** A TCP connection over IPv4. */
export function connectTo(address: readonly number[], port: number): ReferralEvent {
  const object = { kind: 'address', address: Uint8Array.from(address), port, protocol: 'tcp' } as const;
  return refusal('connect', object, { call: 'connect', rule: 'outside --allowed-netmasks' });
}
