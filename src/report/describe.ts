/** What was asked for, as a person reads it. Every byte from the target is escaped. */
import { formatAddress } from '../policy/address-text.ts';
import { escapeBytes } from './escape.ts';
import type { ReportedObject } from './event.ts';

/** More names of one address are counted. */
const MOST_NAMES = 3;

/** `/home/ann/b`, `10.1.2.3 port 443 tcp`, `api.example.org (10.1.2.3) port 443 tcp`, `socket @name`; empty where there is nothing to tell. */
export function describeObject(object: ReportedObject): string {
  switch (object.kind) {
    case 'path':
      return escapeBytes(object.path);
    case 'paths':
      return `${escapeBytes(object.from)} to ${escapeBytes(object.to)}`;
    case 'address':
      return describeEndpoint(object);
    case 'unix-path':
      return `socket ${escapeBytes(object.path)}`;
    case 'unix-abstract':
      return `socket @${escapeBytes(object.name)}`;
    case 'host':
      return escapeBytes(Buffer.from(object.name));
    case 'process':
      return `process ${object.pid}`;
    case 'none':
      return '';
  }
}

type ReportedAddress = Extract<ReportedObject, { kind: 'address' }>;

function describeEndpoint({ address, port, protocol, names = [] }: ReportedAddress): string {
  const host =
    names.length === 0 ? formatAddress(address) : `${describeNames(names)} (${formatAddress(address)})`;
  if (protocol === 'icmp') return `${host} icmp`;
  return `${host} port ${port}${protocol === 'other' ? '' : ` ${protocol}`}`;
}

function describeNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => escapeBytes(Buffer.from(name)));
  const others = names.length - shown.length;
  return `${shown.join(', ')}${others > 0 ? `, ${others} more` : ''}`;
}
