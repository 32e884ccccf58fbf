import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SocketKind } from '../linux/sockets.ts';
import { parseListen } from '../policy/listen-words.ts';
import { ListenRules, listenPlaceOf } from './listening.ts';

const [IPV4, IPV6] = [2, 10];
const TCP: SocketKind = { domain: IPV4, type: 1, protocol: 6 };
const UDP: SocketKind = { domain: IPV4, type: 2, protocol: 17 };
const TCP6: SocketKind = { ...TCP, domain: IPV6 };

function structure(family: number, port: number, address: readonly number[]): Buffer {
  const at = address.length === 4 ? 4 : 8;
  const bytes = Buffer.alloc(address.length === 4 ? 16 : 28);
  bytes.writeUInt16LE(family);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address, at);
  return bytes;
}

function told(words: readonly string[], kind: SocketKind, address: Buffer): string {
  const place = listenPlaceOf(kind, address);
  if (place === undefined) return 'nowhere';
  return new ListenRules(words.flatMap((word) => parseListen(word))).judge(place).kind;
}

const six = (...end: number[]): number[] => [...Array<number>(16 - end.length).fill(0), ...end];

void test('ports, addresses and protocols decide where a program may listen, and loopback is open', () => {
  const rows: [string[], SocketKind, Buffer, string][] = [
    [[], TCP, structure(IPV4, 80, [0, 0, 0, 0]), 'refuse'],
    [[], TCP, structure(IPV4, 80, [127, 9, 9, 9]), 'perform'],
    [[], TCP6, structure(IPV6, 80, six(1)), 'perform'],
    [[], TCP6, structure(IPV6, 80, six(2)), 'refuse'],
    [[], TCP6, structure(IPV6, 80, six(255, 255, 127, 0, 0, 1)), 'perform'],
    [[], TCP6, structure(IPV6, 80, six(255, 255, 0, 0, 0, 0)), 'refuse'],
    [['80'], TCP, structure(IPV4, 80, [0, 0, 0, 0]), 'perform'],
    [['80'], TCP6, structure(IPV6, 80, six(0)), 'perform'],
    [['80'], TCP, structure(IPV4, 81, [0, 0, 0, 0]), 'refuse'],
    [['80/tcp'], UDP, structure(IPV4, 80, [0, 0, 0, 0]), 'refuse'],
    [['80/udp'], UDP, structure(IPV4, 80, [0, 0, 0, 0]), 'perform'],
    [['10.0.0.0/8:80'], TCP, structure(IPV4, 80, [10, 1, 1, 1]), 'perform'],
    [['10.0.0.0/8:80'], TCP, structure(IPV4, 80, [11, 1, 1, 1]), 'refuse'],
    [['10.0.0.0/8'], TCP, structure(IPV4, 0, [10, 1, 1, 1]), 'perform'],
    // Every address is more than any network.
    [['0.0.0.0/0:80'], TCP, structure(IPV4, 80, [0, 0, 0, 0]), 'refuse'],
    [['::/0:80'], TCP6, structure(IPV6, 80, six(0)), 'refuse'],
    // On an IPv4 socket no family at all is IPv4; else the kernel fails it.
    [[], TCP, structure(0, 80, [0, 0, 0, 0]), 'refuse'],
    [[], TCP6, structure(IPV4, 80, [0, 0, 0, 0]), 'nowhere'],
    [[], TCP, structure(IPV6, 80, six(0)), 'nowhere'],
    [[], TCP, structure(IPV4, 80, [0, 0, 0, 0]).subarray(0, 15), 'nowhere'],
    [[], { ...UDP, protocol: 1 }, structure(IPV4, 80, [0, 0, 0, 0]), 'nowhere'],
  ];
  for (const [words, kind, address, expected] of rows)
    assert.equal(told(words, kind, address), expected, `${words.join()} ${address.toString('hex')}`);
});

void test('whatever the bytes, what is no loopback address listens nowhere where nothing is allowed', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const family = fc.constantFrom(0, IPV4, IPV6, 1);
  fc.assert(
    fc.property(fc.constantFrom(TCP, UDP, TCP6), family, bytes, (kind, number, rest) => {
      const address = Buffer.concat([Buffer.from([number, 0]), rest]);
      const before = Buffer.from(address);
      const verdict = told([], kind, address);
      assert.ok(before.equals(address));
      if (verdict !== 'perform') return;
      const host = kind.domain === IPV4 ? address.subarray(4, 8) : address.subarray(8, 24);
      assert.match(host.toString('hex'), /^(?:7f.{6}|0{31}1|0{20}ffff7f.{6})$/);
    }),
  );
});
