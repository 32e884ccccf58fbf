/** Paths that were changed → the few that are worth a line each; addresses → networks. Pure. */
import type { AddressBytes, Network, PathBytes, Port } from '../../policy/policy.ts';
import { collapse, directoriesAbove } from '../collapse.ts';
import { type Homes, isSensitiveNetwork, sensitivity } from '../sensitive.ts';
import type { CountedPath } from './lessons.ts';

export interface Place {
  readonly path: PathBytes;
  readonly count: number;
  /** Why it is not to be opened lightly: then it is for a person to decide. */
  readonly warning: string | undefined;
  /** An ordinary place that opens this one too, whatever the warning says. */
  readonly openedBy: PathBytes | undefined;
}

const UNCERTAIN = 'nobody saw whether it succeeded';

/**
 * Directories and files that hold every path, none inside another; those with a warning stay apart, and no directory is
 * taken for many paths in it that holds one of them.
 */
export function placesOf(
  paths: readonly CountedPath[],
  homes: Homes,
  sensitive: (path: PathBytes) => string | undefined = (path) => sensitivity({ kind: 'path', path }, homes),
): Place[] {
  const warned = paths.flatMap((item) => {
    const warning = warningOf(item, sensitive);
    return warning === undefined ? [] : [{ ...item, warning }];
  });
  const dangerous = new Map(warned.map(({ path, warning }) => [path, warning]));
  const above = directoriesAbove(warned.map(({ path }) => path));
  const isTooWide = (directory: PathBytes): boolean =>
    above.has(directory.toString('latin1')) || warningOf({ path: directory }, sensitive) !== undefined;
  const ordinary = outermost(paths.filter(({ path }) => !dangerous.has(path)));
  const { directories, rest } = collapse(ordinary, isTooWide);
  const collapsed = directories.map(({ path, items }) => ({ path, count: sum(items) }));
  const open = outermost([...collapsed, ...rest]);
  const opened = new Map(open.map((item) => [item.path.toString('latin1'), item]));
  const closed = outermost(warned);
  return [
    ...open.map((item) => ({ ...item, warning: undefined, openedBy: undefined })),
    ...closed.map((place) => ({
      ...place,
      warning: dangerous.get(place.path),
      openedBy: holderOf(place.path, opened)?.path,
    })),
  ].toSorted((a, b) => Buffer.compare(a.path, b.path));
}

function warningOf(
  { path, isUncertain, warning }: Omit<CountedPath, 'count'>,
  sensitive: (path: PathBytes) => string | undefined,
): string | undefined {
  return sensitive(path) ?? warning ?? (isUncertain === true ? UNCERTAIN : undefined);
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
  const networks = new Map<string, { mask: Network; addresses: Map<string, AddressBytes> }>();
  for (const address of addresses) {
    const mask = networkOf(address, address.length === 4 ? 24 : 64);
    const key = mask.address.join('.');
    const inside = networks.get(key) ?? { mask, addresses: new Map<string, AddressBytes>() };
    networks.set(key, inside);
    inside.addresses.set(address.join('.'), address);
  }
  return [...networks.values()].flatMap(({ mask, addresses: inside }) =>
    inside.size >= MANY && !isSensitiveNetwork(mask)
      ? [mask]
      : [...inside.values()].map((address) => ({ address, prefix: address.length * 8 })),
  );
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
