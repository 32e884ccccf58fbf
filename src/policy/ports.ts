/** Ports that a person gives. */
import type { PortRange } from './destinations.ts';
import type { Port } from './policy.ts';
import { ValueError } from './value-error.ts';

const MAX_PORT = 65535;
const PORTS_PATTERN = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** `443`, or a range: `8000-8010`. Port 0 is refused: nothing can be sent there. */
export function parsePorts(word: string): Port[] {
  const { first, last } = parsePortRange(word);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The same, as its two ends. */
export function parsePortRange(word: string): PortRange {
  const [, firstText, lastText = firstText] = PORTS_PATTERN.exec(word) ?? [];
  if (firstText === undefined || lastText === undefined) {
    throw new ValueError('is not a port', {
      hint: `expected a number from 1 to ${MAX_PORT}, or a range 8000-8010`,
    });
  }
  const first = parsePort(firstText);
  const last = parsePort(lastText);
  if (last < first)
    throw new ValueError('is a range that ends before it starts', { hint: `did you mean ${last}-${first}?` });
  return { first, last };
}

/** Ports as few ranges, in order. */
export function portRanges(ports: readonly Port[]): PortRange[] {
  const ranges: { first: Port; last: Port }[] = [];
  for (const port of ports.toSorted((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range !== undefined && port <= range.last + 1) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges;
}

function parsePort(digits: string): Port {
  const port = Number(digits);
  if (port < 1 || port > MAX_PORT)
    throw new ValueError('is out of range', { hint: `ports are 1 to ${MAX_PORT}` });
  if (digits.startsWith('0')) throw new ValueError('has leading zeros', { hint: `did you mean ${port}?` });
  return port;
}

/** Ranges that some ranges leave of others. */
export function withoutPorts(ranges: readonly PortRange[], taken: readonly PortRange[]): PortRange[] {
  return taken.reduce<PortRange[]>(
    (left, { first, last }) =>
      left.flatMap((range) => {
        if (last < range.first || first > range.last) return [range];
        return [
          ...(range.first < first ? [{ first: range.first, last: first - 1 }] : []),
          ...(range.last > last ? [{ first: last + 1, last: range.last }] : []),
        ];
      }),
    [...ranges],
  );
}

/** Behind a host and its ports, more of them. */
const MORE_PORTS_PATTERN = /^\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp))?$/i;
const ENDS_IN_PORTS_PATTERN = /^(?:\[[^\]]*\](?:\/\d+)?|[^:/]*(?:\/\d+)?):[\d,-]+$/;

/** Items of a list that was cut at its commas, with the ports of one host together again: `db:80`, `443` is `db:80,443`. */
export function joinPorts(items: readonly string[]): string[] {
  const joined: string[] = [];
  for (const item of items) {
    const last = joined.at(-1);
    const isMore = last !== undefined && MORE_PORTS_PATTERN.test(item) && ENDS_IN_PORTS_PATTERN.test(last);
    if (isMore) joined[joined.length - 1] = `${last},${item}`;
    else joined.push(item);
  }
  return joined;
}
