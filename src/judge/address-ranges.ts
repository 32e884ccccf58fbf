/**
 * Networks as sorted ranges that do not touch: a look-up is a binary search, and ten thousand networks cost it a dozen
 * comparisons more than one.
 */
import type { AddressBytes, Network } from '../policy/policy.ts';

/** Addresses of one length, compared as numbers: 32 bits, or 128 in four words. */
export class AddressRanges {
  /** First and last address of each range, `#words` words apiece. */
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;
  readonly #words: number;
  readonly #count: number;

  /** @param length bytes of an address; networks of another length are passed over */
  constructor(networks: readonly Network[], length: 4 | 16) {
    const ranges = merge(networks.filter(({ address }) => address.length === length).map(rangeOf));
    this.#words = length / 4;
    this.#count = ranges.length;
    this.#firsts = new Uint32Array(ranges.length * this.#words);
    this.#lasts = new Uint32Array(ranges.length * this.#words);
    for (const [index, { first, last }] of ranges.entries()) {
      this.#store(this.#firsts, index, first);
      this.#store(this.#lasts, index, last);
    }
  }

  #store(words: Uint32Array, index: number, value: bigint): void {
    for (let word = 0; word < this.#words; word += 1) {
      const shift = BigInt(32 * (this.#words - 1 - word));
      words[index * this.#words + word] = Number(BigInt.asUintN(32, value >> shift));
    }
  }

  /** The address has as many bytes as the ranges were made for. */
  has(address: AddressBytes): boolean {
    let low = 0;
    let high = this.#count;
    // The first range that begins behind the address.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#firsts, middle, address) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#compare(this.#lasts, low - 1, address) >= 0;
  }

  #compare(words: Uint32Array, index: number, address: AddressBytes): number {
    for (let word = 0; word < this.#words; word += 1) {
      const ours = words[index * this.#words + word] ?? 0;
      const theirs = wordOf(address, 4 * word);
      if (ours !== theirs) return ours < theirs ? -1 : 1;
    }
    return 0;
  }
}

function wordOf(bytes: AddressBytes, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

function rangeOf({ address, prefix }: Network): Range {
  let first = 0n;
  for (const byte of address) first = (first << 8n) | BigInt(byte);
  const size = 1n << BigInt(8 * address.length - prefix);
  return { first, last: first + size - 1n };
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
  }
  return merged;
}
