/** What was asked for, as a person reads it. Every byte from the target is escaped. */
import { formatAddress } from '../policy/address-text.ts';
import { escapeBytes } from './escape.ts';
import type { ReportedObject } from './event.ts';

/** `/home/ann/b`, `10.1.2.3 port 443 tcp`, `socket @name`; empty where there is nothing to tell. */
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
    case 'process':
      return `process ${object.pid}`;
    case 'none':
      return '';
  }
}

function describeEndpoint({ address, port, protocol }: Extract<ReportedObject, { kind: 'address' }>): string {
  if (protocol === 'icmp') return `${formatAddress(address)} icmp`;
  return `${formatAddress(address)} port ${port}${protocol === 'other' ? '' : ` ${protocol}`}`;
}
