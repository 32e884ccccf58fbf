import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import type { Network } from '../policy/policy.ts';
import { isInNetwork } from '../policy/within.ts';
import { AddressRanges } from './address-ranges.ts';

/** Few different bytes, so that addresses and networks meet. */
const byte = fc.constantFrom(0, 1, 2, 127, 128, 254, 255);

function addresses(length: 4 | 16): fc.Arbitrary<Uint8Array> {
  return fc
    .array(byte, { minLength: length, maxLength: length })
    .map((bytes: number[]) => Uint8Array.from(bytes));
}

function networks(length: 4 | 16): fc.Arbitrary<Network> {
  return fc
    .tuple(addresses(length), fc.integer({ min: 0, max: 8 * length }))
    .map(([bytes, prefix]: [Uint8Array, number]) => ({
      address: bytes.map((value, i) => value & (0xff << Math.min(8, Math.max(0, 8 * (i + 1) - prefix)))),
      prefix,
    }));
}

void describe('AddressRanges', () => {
  for (const length of [4, 16] as const) {
    void test(`says what asking every network would, ${length} bytes`, () => {
      fc.assert(
        fc.property(
          fc.array(networks(length), { maxLength: 20 }),
          fc.array(addresses(length), { minLength: 1, maxLength: 20 }),
          (given: Network[], asked: Uint8Array[]) => {
            const ranges = new AddressRanges(given, length);
            for (const address of asked) {
              assert.equal(
                ranges.has(address),
                given.some((network) => isInNetwork(address, network)),
              );
            }
          },
        ),
        { numRuns: 500 },
      );
    });

    void test(`knows the first and last address of a network, and those beside them, ${length} bytes`, () => {
      const address = new Uint8Array(length).fill(0x55);
      address[length - 1] = 0x50;
      const ranges = new AddressRanges([{ address, prefix: 8 * length - 4 }], length);
      const withLast = (last: number): Uint8Array => address.with(length - 1, last);
      assert.deepEqual(
        [0x4f, 0x50, 0x57, 0x5f, 0x60].map((last) => ranges.has(withLast(last))),
        [false, true, true, true, false],
      );
    });
  }

  void test('networks of the other family do not count', () => {
    const everything = [{ address: new Uint8Array(4), prefix: 0 }];
    assert.equal(new AddressRanges(everything, 16).has(new Uint8Array(16)), false);
    assert.equal(new AddressRanges(everything, 4).has(Uint8Array.of(255, 255, 255, 255)), true);
    assert.equal(new AddressRanges([], 4).has(new Uint8Array(4)), false);
  });
});
