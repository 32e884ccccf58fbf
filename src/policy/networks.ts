/**
 * Networks and addresses that a person gives, read strictly: what one program takes for octal and another for decimal
 * is no address here. Import it lazily: the library behind it costs start-up time.
 */
import ipaddr from 'ipaddr.js';
import { formatAddress } from './address-text.ts';
import type { AddressBytes, Network } from './policy.ts';
import { ValueError } from './value-error.ts';

const BRACKETED_PATTERN = /^\[([^\]]*)\](?:\/(.*))?$/s;
/** Decimal, without leading zeros; what a number may be, the library knows. */
const FOUR_PARTS_PATTERN = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;
const PREFIX_PATTERN = /^(?:0|[1-9]\d{0,2})$/;
/** At most four hexadecimal digits a group; the IPv4 tail is looked at by itself. */
const IPV6_PATTERN = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4})+$/i;
const IPV4_TAIL_PATTERN = /^(?<head>.*:)(?<tail>[\d.]+)$/;
const IPV4_WITH_PORT_PATTERN = /^[\d.]+:\d+$/;
const LEADING_ZERO_PATTERN = /(?<=^|\.)0+(?=\d)/g;
const MAPPED_PREFIX = 96;

/** `10.0.0.0/8`, `2001:db8::/32`, `[2001:db8::]/32`, or a single address. IPv4-mapped IPv6 becomes IPv4. */
export function parseNetwork(word: string): Network {
  const { text, prefixText, isBracketed } = splitWord(word);
  const address = parseAddressText(text);
  if (address === undefined || (isBracketed && address.length === 4)) throw badAddress(text, prefixText);
  const written = { address, prefix: parsePrefix(prefixText, text, address.length * 8) };
  checkHostBits(written);
  const network = unmapped(written);
  checkNotUnspecified(network);
  return network;
}

interface NetworkWord {
  readonly text: string;
  readonly prefixText: string | undefined;
  readonly isBracketed: boolean;
}

function splitWord(word: string): NetworkWord {
  const bracketed = word.startsWith('[') ? BRACKETED_PATTERN.exec(word) : null;
  if (bracketed !== null) return { text: bracketed[1] ?? '', prefixText: bracketed[2], isBracketed: true };
  const slash = word.indexOf('/');
  return slash === -1
    ? { text: word, prefixText: undefined, isBracketed: false }
    : { text: word.slice(0, slash), prefixText: word.slice(slash + 1), isBracketed: false };
}

/** The bytes of an address without brackets, prefix or scope id, IPv4-mapped as IPv4; undefined for anything else. */
export function parseAddress(text: string): AddressBytes | undefined {
  const address = parseAddressText(text);
  return address && unmapped({ address, prefix: address.length * 8 }).address;
}

function parseAddressText(text: string): AddressBytes | undefined {
  if (FOUR_PARTS_PATTERN.test(text)) return parseIpv4(text);
  if (!isStrictIpv6(text)) return undefined;
  return new Uint8Array(ipaddr.IPv6.parse(text).toByteArray());
}

function parseIpv4(text: string): AddressBytes | undefined {
  try {
    return new Uint8Array(ipaddr.IPv4.parse(text).toByteArray());
  } catch {
    return undefined; // a number above 255
  }
}

function isStrictIpv6(text: string): boolean {
  const { head, tail } = IPV4_TAIL_PATTERN.exec(text)?.groups ?? {};
  const hasIpv4Tail = tail?.includes('.') === true;
  if (hasIpv4Tail && !ipaddr.IPv4.isValidFourPartDecimal(tail)) return false;
  return IPV6_PATTERN.test(hasIpv4Tail ? `${head}0:0` : text) && ipaddr.IPv6.isValid(text);
}

function parsePrefix(prefixText: string | undefined, addressText: string, bits: number): number {
  if (prefixText === undefined) return bits;
  if (PREFIX_PATTERN.test(prefixText) && Number(prefixText) <= bits) return Number(prefixText);
  const length = ipaddr.IPv4.isValidFourPartDecimal(prefixText)
    ? ipaddr.IPv4.parse(prefixText).prefixLengthFromSubnetMask()
    : null;
  const hint = length === null ? `expected /0 to /${bits}` : `did you mean ${addressText}/${length}?`;
  throw new ValueError('has no valid prefix length', { hint });
}

function checkHostBits({ address, prefix }: Network): void {
  let hostBits = 0;
  for (let i = prefix >> 3; i < address.length; i += 1) hostBits |= (address[i] ?? 0) & ~maskOf(prefix, i);
  if (hostBits === 0) return;
  const masked = address.map((byte, i) => byte & maskOf(prefix, i));
  throw new ValueError('has host bits set', { hint: `did you mean ${formatAddress(masked)}/${prefix}?` });
}

/** The bits of byte `i` of an address that a prefix covers. */
function maskOf(prefix: number, i: number): number {
  return 0xff << Math.min(8, Math.max(0, 8 * (i + 1) - prefix));
}

function unmapped(network: Network): Network {
  const { address, prefix } = network;
  const mapped = address.length === 16 && address.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));
  if (!mapped || prefix < MAPPED_PREFIX) return network;
  return { address: address.slice(12), prefix: prefix - MAPPED_PREFIX };
}

/** As a destination the kernel takes 0.0.0.0 and :: for loopback, so that a rule for them would never match. */
function checkNotUnspecified({ address, prefix }: Network): void {
  if (prefix !== address.length * 8 || address.some((byte) => byte !== 0)) return;
  const [everywhere, loopback] = address.length === 4 ? ['0.0.0.0/0', '127.0.0.1'] : ['::/0', '::1'];
  throw new ValueError('is no destination', {
    hint: `did you mean ${everywhere} (everywhere) or ${loopback}?`,
  });
}

function badAddress(text: string, prefixText: string | undefined): ValueError {
  const suffix = prefixText === undefined ? '' : `/${prefixText}`;
  if (text === '') return new ValueError('has no address');
  if (text.includes('%'))
    return new ValueError('has a scope id', { hint: 'leave it out, it is not compared' });
  if (IPV4_WITH_PORT_PATTERN.test(text) || /^:\d+$/.test(suffix)) {
    return new ValueError('has a port', { hint: 'ports stand behind networks in brackets or of IPv4 alone' });
  }
  const withoutZeros = text.replace(LEADING_ZERO_PATTERN, '');
  if (withoutZeros !== text && ipaddr.IPv4.isValidFourPartDecimal(withoutZeros)) {
    return new ValueError('has leading zeros', {
      hint: `did you mean ${withoutZeros}${PREFIX_PATTERN.test(prefixText ?? '') ? suffix : ''}?`,
    });
  }
  if (/^[\d.]+$/.test(text)) return new ValueError('is not four numbers from 0 to 255');
  if (text.includes(':')) return new ValueError('is not an IPv6 address');
  return new ValueError('is not an IP address', { hint: 'names of hosts are for --allowed-hosts' });
}
