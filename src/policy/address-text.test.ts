import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { formatAddress, formatNetwork } from './address-text.ts';

void test('formatAddress() writes what RFC 5952 recommends', () => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, (parts) => {
      const bytes = Uint8Array.from(parts.flatMap((part) => [part >> 8, part & 0xff]));
      assert.equal(formatAddress(bytes), new ipaddr.IPv6(parts).toRFC5952String());
    }),
    { numRuns: 2000 },
  );
  assert.equal(formatAddress(Uint8Array.of(10, 0, 0, 255)), '10.0.0.255');
});

void test('formatNetwork() leaves the prefix of a single address out', () => {
  assert.equal(formatNetwork({ address: Uint8Array.of(10, 0, 0, 0), prefix: 8 }), '10.0.0.0/8');
  assert.equal(formatNetwork({ address: Uint8Array.of(10, 0, 0, 1), prefix: 32 }), '10.0.0.1');
  assert.equal(formatNetwork({ address: new Uint8Array(16), prefix: 0 }), '::/0');
});
