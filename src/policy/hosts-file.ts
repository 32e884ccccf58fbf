/** /etc/hosts: names that the system knows by itself (hosts(5)). */
import type { AddressBytes } from './addresses.ts';
import { parseAddress } from './networks.ts';

export interface NamedAddress {
  /** Lower case, without the dot at the end. */
  readonly name: string;
  readonly address: AddressBytes;
}

/** What is no address, or has a scope, is passed over. */
export function hostsOf(text: string): NamedAddress[] {
  return text.split('\n').flatMap((line) => {
    const [first = '', ...names] = (line.split('#', 1)[0] ?? '')
      .split(/[ \t\r]+/)
      .filter((word) => word !== '');
    const address = names.length === 0 ? undefined : parseAddress(first);
    return address === undefined
      ? []
      : names.map((name) => ({ name: name.toLowerCase().replace(/\.$/, ''), address }));
  });
}
