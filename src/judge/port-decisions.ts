/**
 * Which rule decides for each port of a place, by protocol: a few intervals, found by a binary search, and ten thousand rules
 * cost it a dozen comparisons more than one.
 */
import type { PortRange } from '../policy/destinations.ts';
import type { Port } from '../policy/policy.ts';
import type { InternetProtocol } from './destination.ts';

/** No rule. */
export const UNDECIDED = -1;

const PORTS = 65_536;

/** A rule as it counts here. Those that come first decide. */
export interface PortRule {
  /** What is answered where it decides: not negative. */
  readonly number: number;
  /** Undefined: any, and what has no port. */
  readonly ports: readonly PortRange[] | undefined;
  /** Undefined: any. */
  readonly protocol: 'tcp' | 'udp' | undefined;
}

/** Constant from each of `starts` to the next one; the first is 0. */
interface Intervals {
  readonly starts: Uint16Array;
  readonly numbers: Int32Array;
}

export class PortDecisions {
  readonly #tcp: Intervals;
  readonly #udp: Intervals;
  readonly #portless: number;

  /** @param rules the one that decides first comes first */
  constructor(rules: readonly PortRule[]) {
    this.#tcp = intervalsOf(rules.filter(({ protocol }) => protocol !== 'udp'));
    this.#udp = intervalsOf(rules.filter(({ protocol }) => protocol !== 'tcp'));
    const portless = rules.find(({ ports, protocol }) => ports === undefined && protocol === undefined);
    this.#portless = portless?.number ?? UNDECIDED;
  }

  /** The number of the rule that decides. What has no port is decided by rules that name neither ports nor a protocol. */
  of(port: Port, protocol: InternetProtocol): number {
    if (protocol !== 'tcp' && protocol !== 'udp') return this.#portless;
    const { starts, numbers } = protocol === 'tcp' ? this.#tcp : this.#udp;
    let low = 0;
    let high = starts.length;
    // The first interval that begins behind the port.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? PORTS) <= port) low = middle + 1;
      else high = middle;
    }
    return numbers[low - 1] ?? UNDECIDED;
  }

  /** Ports among which there is one of each decision, for a protocol. */
  samples(protocol: 'tcp' | 'udp'): Iterable<Port> {
    return (protocol === 'tcp' ? this.#tcp : this.#udp).starts;
  }
}

function intervalsOf(rules: readonly PortRule[]): Intervals {
  const whole = rules.findIndex(({ ports }) => ports === undefined);
  const upTo = whole < 0 ? rules : rules.slice(0, whole);
  const rest = rules[whole]?.number ?? UNDECIDED;
  const ends = new Set([0]);
  for (const { ports = [] } of upTo)
    for (const { first, last } of ports) for (const end of [first, last + 1]) if (end < PORTS) ends.add(end);
  const starts = Array.from(ends).toSorted((one, other) => one - other);
  const numbers = starts.length * upTo.length > PORTS ? painted(upTo, rest) : undefined;
  const numberAt = (port: Port): number =>
    numbers?.[port] ??
    upTo.find(({ ports = [] }) => ports.some((range) => isIn(port, range)))?.number ??
    rest;
  return { starts: Uint16Array.from(starts), numbers: Int32Array.from(starts, numberAt) };
}

/** For many rules: a number a port, from the rule that decides last to the one that decides first, each over what is there. */
function painted(rules: readonly PortRule[], rest: number): Int32Array {
  const numbers = new Int32Array(PORTS).fill(rest);
  for (const { number, ports = [] } of rules.toReversed())
    for (const { first, last } of ports) numbers.fill(number, first, last + 1);
  return numbers;
}

function isIn(port: Port, { first, last }: PortRange): boolean {
  return first <= port && port <= last;
}
