import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { AF_INET, AF_INET6, AF_UNIX, MSG_FASTOPEN, type SocketKind } from '../linux/sockets.ts';
import { destinationOf, type SocketUse } from './destination.ts';

const TCP: SocketKind = { domain: AF_INET, type: 1, protocol: 6 };
const TCP6: SocketKind = { ...TCP, domain: AF_INET6 };
const UDP: SocketKind = { domain: AF_INET, type: 2, protocol: 17 };
const UDP6: SocketKind = { ...UDP, domain: AF_INET6 };
const CONNECT: SocketUse = { kind: 'connect' };
const SEND: SocketUse = { kind: 'send', flags: 0 };
const FAST: SocketUse = { kind: 'send', flags: MSG_FASTOPEN };

function ipv4(address: readonly number[], family = AF_INET, length = 16): Buffer {
  const bytes = Buffer.alloc(Math.max(length, 8));
  bytes.writeUInt16LE(family);
  bytes.writeUInt16BE(443, 2);
  bytes.set(address, 4);
  return bytes.subarray(0, length);
}

function ipv6(hexadecimal: string, length = 28): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6);
  bytes.writeUInt16BE(443, 2);
  bytes.set(Buffer.from(hexadecimal.padStart(32, '0'), 'hex'), 8);
  bytes.writeUInt32LE(7, 24);
  return bytes.subarray(0, length);
}

const UNBOUND = (): undefined => undefined;

function told(socket: SocketKind, address: Buffer, use: SocketUse, local?: Buffer): string {
  const destination = destinationOf(socket, address, use, () => local);
  if (destination.kind !== 'internet') return destination.kind;
  return `${destination.address.join('.')} ${destination.port} ${destination.protocol}`;
}

void describe('destinationOf', () => {
  void test('an IPv4 address, on either kind of socket', () => {
    for (const [socket, protocol] of [
      [UDP, 'udp'],
      [UDP6, 'udp'],
      [TCP, 'tcp'],
      [TCP6, 'tcp'],
    ] as const) {
      assert.equal(told(socket, ipv4([10, 1, 2, 3]), CONNECT), `10.1.2.3 443 ${protocol}`);
    }
    assert.equal(told(UDP6, ipv4([10, 1, 2, 3]), SEND), '10.1.2.3 443 udp');
    assert.equal(told(UDP, ipv4([10, 1, 2, 3], AF_INET, 128), SEND), '10.1.2.3 443 udp');
  });

  void test('IPv4 in IPv6 is IPv4; what looks like it is not', () => {
    assert.equal(told(TCP6, ipv6('ffff0a010203'), CONNECT), '10.1.2.3 443 tcp');
    assert.equal(told(TCP6, ipv6('ffff0a010203', 24), CONNECT), '10.1.2.3 443 tcp');
    for (const other of ['0a010203', 'ffff00000a010203', '0064ff9b0000000000000000'.concat('0a010203')]) {
      assert.equal(told(TCP6, ipv6(other), CONNECT).split(' ')[0]?.split('.').length, 16);
    }
  });

  void test('the unspecified address is loopback, and is called as that', () => {
    const cases = [
      [TCP, ipv4([0, 0, 0, 0]), '127.0.0.1 443 tcp'],
      [TCP6, ipv6('ffff00000000'), '127.0.0.1 443 tcp'],
      [UDP6, ipv6('0'), '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 443 udp'],
    ] as const;
    for (const [socket, address, expected] of cases) {
      const before = Buffer.from(address);
      assert.equal(told(socket, address, CONNECT), expected);
      assert.deepEqual(address, before, 'the bytes that came stay as they are');
      const destination = destinationOf(socket, address, CONNECT, UNBOUND);
      assert.ok(destination.kind === 'internet');
      assert.equal(told(socket, Buffer.from(destination.bytes), CONNECT), expected);
      assert.notDeepEqual(Buffer.from(destination.bytes), before);
    }
  });

  void test('the unspecified address is that of a bound socket, in the form that it came', () => {
    const [own, mapped] = [ipv4([127, 5, 5, 5]), ipv6('ffff7f050505')];
    assert.equal(told(TCP, ipv4([0, 0, 0, 0]), CONNECT, own), '127.5.5.5 443 tcp');
    assert.equal(told(UDP, ipv4([0, 0, 0, 0], 0), SEND, own), '127.5.5.5 443 udp');
    assert.equal(told(UDP6, ipv4([0, 0, 0, 0]), SEND, mapped), '127.5.5.5 443 udp');
    assert.equal(told(TCP6, ipv6('ffff00000000'), CONNECT, mapped), '127.5.5.5 443 tcp');
    assert.equal(told(TCP6, ipv6('0'), CONNECT, mapped), '127.0.0.1 443 tcp');
    const called = destinationOf(TCP6, ipv6('0'), CONNECT, () => mapped);
    assert.ok(called.kind === 'internet' && ipv6('ffff7f000001').equals(called.bytes));
    for (const local of [
      ipv4([0, 0, 0, 0]),
      ipv4([224, 0, 0, 1]),
      ipv4([255, 255, 255, 255]),
      Buffer.alloc(0),
    ])
      assert.equal(told(TCP, ipv4([0, 0, 0, 0]), CONNECT, local), '127.0.0.1 443 tcp');
    for (const local of ['0', '1', 'ffff00000000'])
      assert.equal(told(TCP6, ipv6('ffff00000000'), CONNECT, ipv6(local)), '127.0.0.1 443 tcp');
    assert.equal(told(TCP6, ipv6('0'), CONNECT, ipv6('5')), '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 443 tcp');
    assert.equal(told(TCP, ipv4([10, 1, 2, 3]), CONNECT, own), '10.1.2.3 443 tcp');
  });

  void test('without a family: a disconnect, an IPv4 datagram, or the peer', () => {
    assert.equal(told(UDP, ipv4([10, 1, 2, 3], 0), CONNECT), 'nobody');
    assert.equal(told(UDP, ipv4([10, 1, 2, 3], 0), SEND), '10.1.2.3 443 udp');
    assert.equal(told(UDP6, ipv4([10, 1, 2, 3], 0), SEND), 'nobody');
  });

  void test('a stream goes to its peer, unless a flag connects it', () => {
    assert.equal(told(TCP, ipv4([10, 1, 2, 3]), SEND), 'nobody');
    assert.equal(told(TCP, ipv4([10, 1, 2, 3]), FAST), '10.1.2.3 443 tcp');
    assert.equal(told(TCP6, ipv6('ffff0a010203'), FAST), '10.1.2.3 443 tcp');
  });

  void test('too short an address is left to the kernel, which fails it', () => {
    for (const length of [0, 1, 2, 15]) {
      assert.equal(told(UDP, ipv4([10, 1, 2, 3], AF_INET, length), SEND), 'nobody');
    }
    assert.equal(told(TCP6, ipv6('1', 23), CONNECT), 'nobody');
  });

  void test('protocols without rules are nobody’s business but the rules’ for others', () => {
    for (const protocol of [33, 132, 136, 255])
      assert.equal(told({ ...UDP, protocol }, ipv4([1, 1, 1, 1]), SEND), 'other');
    assert.equal(told({ domain: 40, type: 1, protocol: 0 }, Buffer.alloc(16), CONNECT), 'other');
    assert.equal(told({ domain: AF_INET, type: 3, protocol: 17 }, ipv4([1, 1, 1, 1]), SEND), 'other');
    assert.equal(
      told({ domain: AF_INET, type: 2, protocol: 1 }, ipv4([1, 1, 1, 1]), SEND),
      '1.1.1.1 443 icmp',
    );
  });

  void test('Unix names: to the NUL, or abstract with every byte', () => {
    const socket: SocketKind = { domain: AF_UNIX, type: 2, protocol: 0 };
    const named = (text: string): unknown =>
      destinationOf(socket, Buffer.concat([Buffer.from([1, 0]), Buffer.from(text, 'latin1')]), SEND, UNBOUND);
    assert.deepEqual(named('/a\0b'), { kind: 'unix-path', path: Buffer.from('/a') });
    assert.deepEqual(named('x'.repeat(108)), { kind: 'unix-path', path: Buffer.from('x'.repeat(108)) });
    assert.deepEqual(named('\0a\0\0'), { kind: 'unix-abstract', name: Buffer.from('a\0\0') });
    assert.deepEqual(named(''), { kind: 'nobody' });
    assert.deepEqual(named('x'.repeat(109)), { kind: 'nobody' });
    const stream: SocketKind = { ...socket, type: 1 };
    const address = Buffer.from('\u0001\0/a', 'latin1');
    assert.equal(destinationOf(stream, address, SEND, UNBOUND).kind, 'nobody');
    assert.equal(destinationOf(stream, address, CONNECT, UNBOUND).kind, 'unix-path');
    assert.equal(destinationOf(socket, Buffer.from('\u0002\0/a', 'latin1'), CONNECT, UNBOUND).kind, 'nobody');
  });
});
