/**
 * What is said of each address by networks that may lie in each other: the whole space as sorted segments, so that a look-up is a
 * binary search.
 */
import type { AddressBytes, Network } from '../policy/policy.ts';
import { isInNetwork } from '../policy/within.ts';

/** A network, and what is said of it. */
export interface Entry<Value> {
  readonly network: Network;
  readonly value: Value;
}

/** Addresses of one length, compared as numbers: 32 bits, or 128 in four words. */
export class AddressTable<Result> {
  readonly #words: number;
  /** First address of each segment, which ends where the next one begins; the first segment begins at 0. */
  readonly #starts: Uint32Array;
  readonly #results: readonly Result[];

  /**
   * @param length bytes of an address; networks of another length are passed over
   * @param resultOf made once for each chain of networks that lie in each other, the innermost first; of one network all that is said
   */
  static make<Value, Result>(
    entries: readonly Entry<Value>[],
    length: 4 | 16,
    resultOf: (chain: readonly (readonly Value[])[]) => Result,
  ): AddressTable<Result> {
    const nodes = nodesOf(entries.filter(({ network }) => network.address.length === length));
    const starts: AddressBytes[] = [];
    const results: Result[] = [];
    const begin = (address: AddressBytes, result: Result): void => {
      const last = starts.at(-1);
      if (last !== undefined && Buffer.compare(last, address) === 0) {
        results[results.length - 1] = result;
        return;
      }
      starts.push(address);
      results.push(result);
    };
    const open: {
      readonly node: Node<Value>;
      readonly result: Result;
      readonly chain: readonly (readonly Value[])[];
    }[] = [];
    const nothing = resultOf([]);
    const leave = (): void => {
      const left = open.pop();
      const next = left && behind(left.node.network);
      if (next !== undefined) begin(next, open.at(-1)?.result ?? nothing);
    };
    begin(new Uint8Array(length), nothing);
    for (const node of nodes) {
      for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
        if (isInNetwork(node.network.address, inner.node.network)) break;
        leave();
      }
      const chain = [node.values, ...(open.at(-1)?.chain ?? [])];
      const result = resultOf(chain);
      begin(node.network.address, result);
      open.push({ node, result, chain });
    }
    while (open.length > 0) leave();
    return new AddressTable(length, starts, results);
  }

  private constructor(length: 4 | 16, starts: readonly AddressBytes[], results: readonly Result[]) {
    this.#words = length / 4;
    this.#starts = new Uint32Array(starts.length * this.#words);
    for (const [index, start] of starts.entries())
      for (let word = 0; word < this.#words; word += 1)
        this.#starts[index * this.#words + word] = wordOf(start, 4 * word);
    this.#results = results;
  }

  /** The address has as many bytes as the table was made for. */
  at(address: AddressBytes): Result {
    let low = 1;
    let high = this.#results.length;
    // The first segment that begins behind the address.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, address) <= 0) low = middle + 1;
      else high = middle;
    }
    const result = this.#results[low - 1];
    if (result === undefined) throw new Error('a table without a segment');
    return result;
  }

  #compare(index: number, address: AddressBytes): number {
    for (let word = 0; word < this.#words; word += 1) {
      const ours = this.#starts[index * this.#words + word] ?? 0;
      const theirs = wordOf(address, 4 * word);
      if (ours !== theirs) return ours < theirs ? -1 : 1;
    }
    return 0;
  }
}

interface Node<Value> {
  readonly network: Network;
  readonly values: Value[];
}

/** Each network once; of two that begin alike the larger comes first, so that what lies in a network follows it. */
function nodesOf<Value>(entries: readonly Entry<Value>[]): Node<Value>[] {
  const nodes: Node<Value>[] = [];
  for (const { network, value } of entries.toSorted((one, other) => byPlace(one.network, other.network))) {
    const last = nodes.at(-1);
    if (last !== undefined && byPlace(last.network, network) === 0) last.values.push(value);
    else nodes.push({ network, values: [value] });
  }
  return nodes;
}

function byPlace(one: Network, other: Network): number {
  for (let at = 0; at < one.address.length; at += 1) {
    const difference = (one.address[at] ?? 0) - (other.address[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.prefix - other.prefix;
}

/** The first address behind a network; undefined where it ends with the space. */
function behind({ address, prefix }: Network): AddressBytes | undefined {
  const next = Uint8Array.from(address);
  for (let bit = prefix - 1; bit >= 0; bit -= 1) {
    const at = bit >> 3;
    const mask = 0x80 >> (bit & 7);
    const byte = next[at] ?? 0;
    if ((byte & mask) === 0) {
      next[at] = byte | mask;
      return next;
    }
    next[at] = byte & ~mask;
  }
  return undefined;
}

function wordOf(bytes: AddressBytes, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}
