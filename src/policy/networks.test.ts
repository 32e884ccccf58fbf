import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatNetwork } from './address-text.ts';
import { parseAddress, parseNetwork } from './networks.ts';
import { ValueError } from './value-error.ts';

void test('parseNetwork() reads networks and single addresses', () => {
  const rows: [string, string][] = [
    ['192.168.1.0/24', '192.168.1.0/24'],
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1/32', '10.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.0.0.128/25', '10.0.0.128/25'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::]/64', '2001:db8::/64'],
    ['::1', '::1'],
    ['::/0', '::/0'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.0/120', '10.1.2.0/24'],
    ['::ffff:a01:203/128', '10.1.2.3'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['[::ffff:10.0.0.0]/104', '10.0.0.0/8'],
  ];
  for (const [word, expected] of rows) assert.equal(formatNetwork(parseNetwork(word)), expected, word);
});

void test('parseNetwork() refuses all else and says what would be right', () => {
  const rows: [string, RegExp][] = [
    ['192.168.1.5/24', /has host bits set: did you mean 192\.168\.1\.0\/24\?/],
    ['2001:db8::1/64', /has host bits set: did you mean 2001:db8::\/64\?/],
    ['::ffff:10.1.2.3/120', /has host bits set/],
    ['::ffff:10.1.2.3/64', /has host bits set/],
    ['10.0.0.1/0', /has host bits set: did you mean 0\.0\.0\.0\/0\?/],
    ['10.0.0.0/33', /no valid prefix length: expected \/0 to \/32/],
    ['::/129', /no valid prefix length: expected \/0 to \/128/],
    ['10.0.0.0/', /no valid prefix length/],
    ['10.0.0.0/08', /no valid prefix length/],
    ['10.0.0.0/+8', /no valid prefix length/],
    ['10.0.0.0/8/8', /no valid prefix length/],
    ['10.0.0.0/8 ', /no valid prefix length/],
    ['10.0.0.0/8\n', /no valid prefix length/],
    ['192.168.1.0/255.255.255.0', /did you mean 192\.168\.1\.0\/24\?/],
    ['192.168.1.0/255.0.255.0', /expected \/0 to \/32/],
    ['010.0.0.1', /has leading zeros: did you mean 10\.0\.0\.1\?/],
    ['10.00.0.0/8', /has leading zeros: did you mean 10\.0\.0\.0\/8\?/],
    ['10.1', /not four numbers/],
    ['10/8', /not four numbers/],
    ['167772161', /not four numbers/],
    ['256.1.1.1', /not four numbers/],
    ['1.2.3.4.5', /not four numbers/],
    ['0x7f.0.0.1', /not an IP address/],
    ['example.com', /not an IP address: names of hosts are for --allowed-hosts/],
    ['localhost', /not an IP address/],
    ['', /has no address/],
    ['/24', /has no address/],
    ['[]', /has no address/],
    ['[10.0.0.1]', /not four numbers|not an IP/],
    ['[::1', /not an IPv6 address/],
    ['::1]', /not an IPv6 address/],
    ['[::1]:443', /not an IPv6 address|has a port/],
    ['10.0.0.1:443', /has a port: ports stand behind networks/],
    ['fe80::1%eth0', /has a scope id/],
    ['::ffff:010.0.0.1', /not an IPv6 address/],
    ['::ffff:10.1', /not an IPv6 address/],
    ['1::2::3', /not an IPv6 address/],
    ['12345::', /not an IPv6 address/],
    ['0.0.0.0', /is no destination: did you mean 0\.0\.0\.0\/0 \(everywhere\) or 127\.0\.0\.1\?/],
    ['::', /is no destination/],
    [' 10.0.0.1', /not an IP address/],
    ['10.0.0.1\0', /not an IP address/],
    ['\x80', /not an IP address/],
  ];
  for (const [word, message] of rows) {
    const matches = (error: unknown): boolean => error instanceof ValueError && message.test(error.message);
    assert.throws(() => parseNetwork(word), matches, JSON.stringify(word));
  }
});

void test('parseAddress() accepts exactly what inet_pton(3) accepts', () => {
  const nearAddress = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9a-f:.]{1,24}$/),
    fc
      .tuple(fc.ipV6(), fc.nat(40), fc.constantFrom('', ':', '0', '.', '::', '1.2.3.4', '00'))
      .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at + 1)),
    fc
      .tuple(fc.ipV4(), fc.nat(15), fc.constantFrom('', '0', '.', '9', ' '))
      .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at)),
  );
  fc.assert(
    fc.property(nearAddress, (text) => {
      assert.equal(parseAddress(text) !== undefined, isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 20_000 },
  );
});

void test('parseNetwork() reads back what formatNetwork() writes, and never fails in any other way', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4Extended(), fc.ipV6(), fc.string(), fc.string({ unit: 'binary' })),
      fc.nat(130),
      (text, n) => {
        for (const word of [text, `${text}/${n}`]) {
          try {
            const network = parseNetwork(word);
            assert.deepEqual(parseNetwork(formatNetwork(network)), network);
          } catch (error) {
            if (!(error instanceof ValueError)) throw error;
          }
        }
      },
    ),
    { numRuns: 5000 },
  );
});
