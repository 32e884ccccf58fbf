/** Which addresses are of the internet: those that a name of anybody's may point to without reaching into a network of one's own. */
import type { AddressBytes } from '../../policy/addresses.ts';

/** First bytes and length of the prefix in bits (IANA's registries of special-purpose addresses; RFC 6890). */
const IPV4: readonly (readonly [number, number, number, number])[] = [
  [0, 0, 0, 8], // this host
  [10, 0, 0, 8], // private
  [100, 64, 0, 10], // shared by a provider's customers
  [127, 0, 0, 8], // loopback
  [169, 254, 0, 16], // link-local, and what clouds tell their machines
  [172, 16, 0, 12], // private
  [192, 0, 0, 24], // protocol assignments
  [192, 168, 0, 16], // private
  [198, 18, 0, 15], // benchmarks
  [224, 0, 0, 3], // multicast, reserved, broadcast
];
/** 6to4 has an IPv4 address behind its prefix, NAT64 at its end. */
const SIXTOFOUR = [0x20, 0x02];
const NAT64 = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export function isOfInternet(address: AddressBytes): boolean {
  return address.length === 4 ? isIpv4OfInternet(address) : isIpv6OfInternet(address);
}

function isIpv4OfInternet(address: AddressBytes): boolean {
  const value = first24(address, 0);
  return IPV4.every(([a, b, c, prefix]) => {
    const shift = Math.max(0, 24 - prefix);
    return value >>> shift !== ((a << 16) | (b << 8) | c) >>> shift;
  });
}

function first24(address: AddressBytes, at: number): number {
  return ((address[at] ?? 0) << 16) | ((address[at + 1] ?? 0) << 8) | (address[at + 2] ?? 0);
}

/** Only 2000::/3 is given out; of it not what is for documents' sake or tunnels to who knows where (Teredo, ORCHID), nor what hides an address that is none. */
function isIpv6OfInternet(address: AddressBytes): boolean {
  if (begins(address, MAPPED) || begins(address, NAT64)) return isIpv4OfInternet(address.subarray(12));
  if (((address[0] ?? 0) & 0xe0) !== 0x20) return false;
  if (begins(address, SIXTOFOUR)) return isIpv4OfInternet(address.subarray(2, 6));
  // 2001::/23 but for anycast services of its own.
  return !(begins(address, [0x20, 0x01]) && ((address[2] ?? 0) & 0xfe) === 0);
}

function begins(address: AddressBytes, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => address[index] === byte);
}
