/**
 * Networks as sorted ranges that do not overlap: a look-up is a binary search, and ten thousand networks cost it a dozen
 * comparisons more than one.
 */
import type { AddressBytes, Network } from '../policy/policy.ts';

/** Addresses of one length, compared as numbers: 32 bits, or 128 in four words. */
export class AddressRanges {
  /** First and last address of each range, `#words` words apiece. */
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;
  readonly #words: number;
  #count = 0;

  /** @param length bytes of an address; networks of another length are passed over */
  constructor(networks: readonly Network[], length: 4 | 16) {
    const ours = networks.filter(({ address }) => address.length === length).toSorted(byFirstAddress);
    this.#words = length / 4;
    this.#firsts = new Uint32Array(ours.length * this.#words);
    this.#lasts = new Uint32Array(ours.length * this.#words);
    // Two networks are apart, or one lies in the other: then the larger has come before.
    for (const network of ours) if (!this.has(network.address)) this.#add(network);
  }

  #add({ address, prefix }: Network): void {
    for (let word = 0; word < this.#words; word += 1) {
      const at = this.#count * this.#words + word;
      const first = wordOf(address, 4 * word);
      const hostBits = Math.min(32, Math.max(0, 32 * (word + 1) - prefix));
      this.#firsts[at] = first;
      this.#lasts[at] = first + (2 ** hostBits - 1);
    }
    this.#count += 1;
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

/** In ascending order; of two that begin alike the larger comes first. */
function byFirstAddress(one: Network, other: Network): number {
  for (let at = 0; at < one.address.length; at += 1) {
    const difference = (one.address[at] ?? 0) - (other.address[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.prefix - other.prefix;
}
