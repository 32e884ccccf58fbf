/** Addresses as people write them (RFC 5952), without the library that parsing needs. */
import type { AddressBytes, Network } from './policy.ts';

/** `10.1.2.3`, `2001:db8::1`. */
export function formatAddress(address: AddressBytes): string {
  return address.length === 4 ? address.join('.') : formatIpv6(address);
}

/** `10.0.0.0/8`; a single address has no prefix. */
export function formatNetwork(network: Network): string {
  const address = formatAddress(network.address);
  return network.prefix === network.address.length * 8 ? address : `${address}/${network.prefix}`;
}

function formatIpv6(address: AddressBytes): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16),
  );
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) return groups.join(':');
  const before = groups.slice(0, zeros.start).join(':');
  const after = groups.slice(zeros.start + zeros.length).join(':');
  return `${before}::${after}`;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== '0') start = i + 1;
    else if (i + 1 - start > longest.length) longest = { start, length: i + 1 - start };
  }
  return longest;
}
