import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isInNetwork, isWithin } from './within.ts';

void test('isWithin() compares whole components', () => {
  const rows: [string, string, boolean][] = [
    ['/tmp/a', '/tmp/a', true],
    ['/tmp/a/b', '/tmp/a', true],
    ['/tmp/ab', '/tmp/a', false],
    ['/tmp', '/tmp/a', false],
    ['/tmp/a', '/', true],
    ['/', '/', true],
    ['/', '/a', false],
  ];
  for (const [path, directory, expected] of rows) {
    assert.equal(isWithin(Buffer.from(path), Buffer.from(directory)), expected, `${path} in ${directory}`);
  }
});

void test('isInNetwork() agrees with big integers', () => {
  const samples = fc.constantFrom(4, 16).chain((size) => {
    const address = fc.uint8Array({ minLength: size, maxLength: size });
    return fc.tuple(address, address, fc.nat(size * 8), fc.nat(size * 8));
  });
  fc.assert(
    fc.property(samples, ([address, noise, prefix, common]) => {
      const bits = address.length * 8;
      const keep = (1n << BigInt(bits)) - (1n << BigInt(bits - common));
      const other = (asInteger(address) & keep) | (asInteger(noise) & ~keep);
      const otherBytes = address.map((_, i) => Number((other >> BigInt(bits - 8 * (i + 1))) & 0xffn));
      const network = (asInteger(address) >> BigInt(bits - prefix)) << BigInt(bits - prefix);
      const networkBytes = address.map((_, i) => Number((network >> BigInt(bits - 8 * (i + 1))) & 0xffn));
      const expected = other >> BigInt(bits - prefix) === network >> BigInt(bits - prefix);
      assert.equal(isInNetwork(otherBytes, { address: networkBytes, prefix }), expected);
    }),
    { numRuns: 1000 },
  );
  assert.equal(isInNetwork(Uint8Array.of(1, 2, 3, 4), { address: new Uint8Array(16), prefix: 0 }), false);
});

function asInteger(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
