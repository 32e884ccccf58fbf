/** Paths that were changed → the few that are worth a line each; addresses → networks. Pure. */
import type { AddressBytes, Network, PathBytes, Port } from '../../policy/policy.ts';
import { isInNetwork, isWithin } from '../../policy/within.ts';
import { collapse } from '../collapse.ts';
import { holdsSensitive, sensitivity } from '../sensitive.ts';
import type { CountedPath } from './lessons.ts';

export interface Place {
  readonly path: PathBytes;
  readonly count: number;
  /** Why it is not to be opened lightly. */
  readonly warning: string | undefined;
}

/** Directories and files that hold every path, none inside another; those with a warning stay apart. */
export function placesOf(paths: readonly CountedPath[], home: string | undefined): Place[] {
  const warned = paths.flatMap((item) => {
    const warning = sensitivity({ kind: 'path', path: item.path }, home);
    return warning === undefined ? [] : [{ ...item, warning }];
  });
  const dangerous = new Set(warned.map(({ path }) => path));
  const ordinary = outermost(paths.filter(({ path }) => !dangerous.has(path)));
  const { directories, rest } = collapse(ordinary, (directory) => holdsSensitive(directory, home));
  const collapsed = directories.map(({ path, items }) => ({ path, count: sum(items) }));
  const open = outermost([...collapsed, ...rest]).map((item) => ({ ...item, warning: undefined }));
  // What a directory that is open holds needs no line of its own.
  const closed = outermost(warned).filter(({ path }) => !open.some((place) => isWithin(path, place.path)));
  return [
    ...open,
    ...closed.map((place) => ({
      ...place,
      warning: warned.find(({ path }) => path === place.path)?.warning,
    })),
  ].toSorted((a, b) => Buffer.compare(a.path, b.path));
}

function sum(items: readonly { readonly count: number }[]): number {
  return items.reduce((total, { count }) => total + count, 0);
}

/** Those that lie in no other; the counts of the others are added to them. */
function outermost(items: readonly { readonly path: PathBytes; readonly count: number }[]): CountedPath[] {
  const result = new Map<string, CountedPath>();
  for (const { path, count } of items.toSorted((a, b) => a.path.length - b.path.length)) {
    const holder = holderOf(path, result);
    if (holder) holder.count += count;
    else result.set(path.toString('latin1'), { path, count });
  }
  return [...result.values()];
}

function holderOf(path: PathBytes, chosen: ReadonlyMap<string, CountedPath>): CountedPath | undefined {
  const text = path.toString('latin1');
  for (let end = text.length; end > 0; end = text.lastIndexOf('/', end - 1)) {
    const found = chosen.get(text.slice(0, end));
    if (found) return found;
  }
  return undefined;
}

/** So many addresses of one network are worth its mask. */
const MANY = 4;

/** Single addresses, or where there are many of them in one network, that network: /24 for IPv4, /64 for IPv6. */
export function networksOf(addresses: readonly AddressBytes[]): Network[] {
  const networks = new Map<string, Network>();
  for (const address of addresses) {
    const mask = networkOf(address, address.length === 4 ? 24 : 64);
    const inside = new Set(
      addresses.filter((other) => isInNetwork(other, mask)).map((other) => other.join('.')),
    );
    const network = inside.size >= MANY ? mask : { address, prefix: address.length * 8 };
    networks.set(`${network.address.join('.')}/${network.prefix}`, network);
  }
  return [...networks.values()];
}

function networkOf(address: AddressBytes, prefix: number): Network {
  return { address: address.map((byte, index) => (index * 8 < prefix ? byte : 0)), prefix };
}

/** Single ports, and ranges where three or more follow each other: `443`, `8000-8010`. */
export function portsText(ports: Iterable<Port>): string[] {
  const sorted = [...new Set(ports)].toSorted((a, b) => a - b);
  const runs: Port[][] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run?.at(-1) === port - 1) run.push(port);
    else runs.push([port]);
  }
  return runs.flatMap((run) => (run.length >= 3 ? [`${run[0]}-${run.at(-1)}`] : run.map(String)));
}
