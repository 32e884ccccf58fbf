/**
 * Where a call on a socket goes and whether it may, against a slow second reading of ip(7), ipv6(7) and udp(7): whatever
 * the bytes, what the kernel would reach is what was judged, and what is called with leads nowhere else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SocketKind } from '../linux/sockets.ts';
import type { NetworkPolicy } from '../policy/policy.ts';
import { destinationOf, type InternetProtocol, type SocketUse } from './destination.ts';
import { NetworkRules } from './network.ts';

const [IPV4, IPV6] = [2, 10];
const FASTOPEN = 0x20000000;

/** As text: hexadecimal digits of an address, 8 or 32 of them, and the port. */
interface Reached {
  readonly address: string;
  readonly port: number;
}

const hex = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes)
    .toString('hex')
    .slice(2 * from, 2 * to);

/** What ::ffff:a.b.c.d means, and what an address of nothing but zeros. */
function meaning(address: string, own: string | undefined): string {
  const mapped = /^0{20}f{4}(.{8})$/.exec(address)?.[1];
  const ownMapped = own === undefined ? undefined : (/^0{20}f{4}(.{8})$/.exec(own)?.[1] ?? own);
  const ipv4 = mapped ?? (address.length === 8 ? address : undefined);
  if (ipv4 === '00000000') {
    const usable =
      ownMapped?.length === 8 && ownMapped !== '00000000' && Number.parseInt(ownMapped, 16) < 0xe0000000;
    return usable ? ownMapped : '7f000001';
  }
  if (ipv4 !== undefined) return ipv4;
  if (!/^0{32}$/.test(address)) return address;
  return own?.length === 32 && ownMapped?.length === 8 ? '7f000001' : `${'0'.repeat(31)}1`;
}

/** What the kernel would reach with these bytes; undefined: nobody new. */
function kernelReaches(
  socket: SocketKind,
  bytes: Uint8Array,
  use: SocketUse,
  own?: string,
): Reached | undefined {
  if (bytes.length < 2) return undefined;
  const family = (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0);
  const isStream = socket.type === 1;
  if (isStream && use.kind === 'send' && Math.floor((use.flags >>> 0) / FASTOPEN) % 2 === 0) return undefined;
  // A datagram without a family is one of IPv4, on a socket of IPv4.
  const unspecified = family === 0 && use.kind === 'send' && !isStream && socket.protocol === 17;
  const isIpv4 =
    family === IPV4 ? !(isStream && socket.domain === IPV6) : unspecified && socket.domain === IPV4;
  const port = (bytes[2] ?? 0) * 256 + (bytes[3] ?? 0);
  if (isIpv4) return bytes.length < 16 ? undefined : { address: meaning(hex(bytes, 4, 8), own), port };
  if (family !== IPV6 || socket.domain !== IPV6 || bytes.length < 24) return undefined;
  return { address: meaning(hex(bytes, 8, 24), own), port };
}

const bits = (digits: string): string =>
  Array.from(digits, (digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('');

function policyAllows(
  policy: NetworkPolicy,
  { address, port }: Reached,
  protocol: InternetProtocol,
): boolean {
  if (policy.kind !== 'listed') return policy.kind === 'families';
  const hasPort = protocol !== 'icmp';
  const listed = policy.endpoints.some((one) => hex(one.address, 0, 16) === address && one.port === port);
  if (listed && hasPort) return true;
  const inNetwork =
    policy.networks === undefined ||
    policy.networks.some(
      (one) =>
        one.address.length * 2 === address.length &&
        bits(hex(one.address, 0, 16)).slice(0, one.prefix) === bits(address).slice(0, one.prefix),
    );
  return inNetwork && (policy.ports === undefined || (hasPort && policy.ports.includes(port)));
}

/** Few different bytes, so that addresses, networks and special forms meet. */
const octet = fc.constantFrom(0, 0, 0, 1, 10, 127, 224, 255);
const octets = (length: number): fc.Arbitrary<number[]> =>
  fc.array(octet, { minLength: length, maxLength: length });
const ipv4 = fc.oneof(
  octets(4),
  fc.constantFrom([0, 0, 0, 0], [127, 0, 0, 1], [10, 0, 0, 1], [10, 0, 0, 10]),
);
const ipv6 = fc.oneof(
  octets(16),
  ipv4.map((address) => [...Array<number>(10).fill(0), 255, 255, ...address]),
  fc.tuple(octet, octet, ipv4).map(([a, b, address]) => [...Array<number>(10).fill(0), a, b, ...address]),
  fc.constant(Array<number>(16).fill(0)),
);
const port = fc.constantFrom(0, 22, 53, 80, 443, 65535);
const portBytes = port.map((value) => [value >> 8, value & 255]);
const family = fc.oneof(fc.constantFrom([2, 0], [10, 0], [0, 0]), fc.tuple(octet, octet));
const structure = fc.oneof(
  fc.tuple(family, portBytes, ipv4, octets(8)).map((parts) => parts.flat()),
  fc.tuple(family, portBytes, octets(4), ipv6, octets(4)).map((parts) => parts.flat()),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 130 }),
);
const address = fc
  .tuple(structure, octets(100), fc.constantFrom(0, 1, 2, 7, 8, 15, 16, 23, 24, 28, 128, 1000))
  .map(([bytes, more, length]) =>
    Buffer.from([...bytes, ...more].slice(0, length === 1000 ? bytes.length : length)),
  );

const socket: fc.Arbitrary<SocketKind> = fc
  .tuple(
    fc.constantFrom(IPV4, IPV6),
    fc.constantFrom([1, 6], [1, 262], [2, 17], [2, 1], [2, 58], [3, 17], [2, 136], [1, 132]),
  )
  .map(([domain, [type = 0, protocol = 0]]) => ({ domain, type, protocol }));
const use: fc.Arbitrary<SocketUse> = fc.oneof(
  fc.constant<SocketUse>({ kind: 'connect' }),
  fc
    .constantFrom(0, FASTOPEN, FASTOPEN | 0x40, -1, 0x40)
    .map((flags): SocketUse => ({ kind: 'send', flags })),
);
/** As getsockname(2) would tell. */
const local = fc.option(
  fc.oneof(
    ipv4.map((bytes) => Uint8Array.from([2, 0, 0, 9, ...bytes, 0, 0, 0, 0, 0, 0, 0, 0])),
    ipv6.map((bytes) => Uint8Array.from([10, 0, 0, 9, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0])),
  ),
  { nil: undefined },
);
const network = fc
  .tuple(fc.oneof(ipv4, ipv6), fc.constantFrom(0, 0, 1, 7, 8, 9, 24, 31, 32, 96, 127, 128))
  // As a policy has them: a mapped network is one of IPv4, and what lies beyond the prefix is zero.
  .map(([bytes, length]) => {
    const prefix = Math.min(length, 8 * bytes.length);
    const kept = bytes.map(
      (value, at) => value & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * at))) & 0xff,
    );
    return { address: Uint8Array.from(kept), prefix };
  });
const policy: fc.Arbitrary<NetworkPolicy> = fc.oneof(
  fc.constant<NetworkPolicy>({ kind: 'families' }),
  fc.constant<NetworkPolicy>({ kind: 'none' }),
  fc.record({
    kind: fc.constant('listed' as const),
    networks: fc.option(fc.array(network, { maxLength: 4 }), { nil: undefined }),
    ports: fc.option(fc.array(port, { maxLength: 3 }), { nil: undefined }),
    endpoints: fc.array(
      fc.record({
        address: fc.constantFrom([127, 0, 0, 1], [10, 0, 0, 1]).map((bytes) => Uint8Array.from(bytes)),
        port,
      }),
      { maxLength: 2 },
    ),
  }),
);

function ownAddress(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  return bytes[0] === IPV6 ? hex(bytes, 8, 24) : hex(bytes, 4, 8);
}

void test('what the kernel would reach is what is judged, as the reference judges it, and what is called with', () => {
  const seen = { allowed: 0, refused: 0, nobody: 0 };
  fc.assert(
    fc.property(
      fc.record({ socket, address, use, local, policy }),
      ({ socket: kind, address: bytes, use: how, local: bound, policy: given }) => {
        const before = Buffer.from(bytes);
        const destination = destinationOf(kind, bytes, how, () => bound);
        assert.ok(before.equals(bytes), 'the bytes that came stay as they are');
        const expected = kernelReaches(kind, bytes, how, ownAddress(bound));
        const rules = new NetworkRules(given);
        if (destination.kind === 'other') {
          assert.equal(rules.judgeOther().kind, 'refuse');
          return;
        }
        if (destination.kind !== 'internet') {
          assert.equal(expected, undefined, 'somebody is reached whom nobody has judged');
          seen.nobody += 1;
          return;
        }
        const { address: judged, port: number, protocol } = destination;
        const target = { address: hex(judged, 0, 16), port: number };
        if (expected !== undefined) assert.deepEqual(target, expected);
        // Called with, whatever the socket is bound to by then: nothing is left to fill in.
        const again = kernelReaches(kind, destination.bytes, how);
        assert.deepEqual(again, expected);
        const may = policyAllows(given, target, protocol);
        assert.equal(rules.judge(judged, number, protocol).kind !== 'refuse', may);
        seen[may ? 'allowed' : 'refused'] += 1;
      },
    ),
    { numRuns: 20_000 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 400, `${what}: ${count}`);
});
