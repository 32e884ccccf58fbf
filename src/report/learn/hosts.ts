/** What was reached at addresses whose names were looked up → a line for each name; names of one zone → a suggestion. Pure. */
import { isOfInternet } from '../../judge/names/internet-addresses.ts';
import { hostOfService } from '../../judge/names/look-up.ts';
import { formatAddress } from '../../policy/address-text.ts';
import type { AddressBytes, Network } from '../../policy/policy.ts';
import { isInNetwork } from '../../policy/within.ts';
import { portsText } from './places.ts';
import type { CountedEndpoint, CountedName } from './lessons.ts';

export interface LearnedHost {
  readonly name: string;
  /** What `--allowed-hosts` takes. */
  readonly word: string;
  readonly count: number;
  /** It was looked up, and nothing was sent to it. */
  readonly isOnlyLookedUp: boolean;
  /** Protocols without ports that were used beside those with ports. */
  readonly portless: readonly string[];
}

/** So many names of one zone are worth a thought about the zone. */
const MANY_NAMES = 8;
/** Nobody answers there (RFC 863): such a rule opens the look-up and no more. */
const DISCARD = '9/udp';

/** Sets of networks that a word may name behind an `@`, by their names. */
export type NamedNetworks = readonly (readonly [string, readonly Network[]])[];

/** In the order in which the names were looked up. An address of several names is one of each: nobody saw which was meant. */
export function hostsOf(
  names: readonly CountedName[],
  endpoints: readonly CountedEndpoint[],
  sets: NamedNetworks,
): LearnedHost[] {
  const reached = new Set(endpoints.flatMap((endpoint) => endpoint.names));
  return names
    .filter(({ name }) => reached.has(name) || !isServiceOf(name, reached))
    .map(({ name, count, addresses }) => {
      const own = endpoints.filter((endpoint) => endpoint.names.includes(name));
      const ports = portsText(own.filter(hasPort).map(({ port }) => port)).join(',');
      const portless = new Set(own.filter((one) => !hasPort(one)).map(({ protocol }) => protocol));
      const where = placesOf([...addresses, ...own.map(({ address }) => address)], sets);
      const isOnlyLookedUp = own.length === 0;
      const at = isOnlyLookedUp ? `:${DISCARD}` : ports === '' ? '' : `:${ports}`;
      return {
        name,
        word: `${name}${at}${where.map((place) => `@${place}`).join('')}`,
        count: isOnlyLookedUp ? count : own.reduce((sum, one) => sum + one.count, 0),
        isOnlyLookedUp,
        portless: ports === '' ? [] : [...portless],
      };
    });
}

/** Zones of which more names were reached than is worth a line each, with all of their ports. */
export function zonesOf(hosts: readonly LearnedHost[], endpoints: readonly CountedEndpoint[]): string[] {
  const byZone = new Map<string, Set<string>>();
  for (const { name, isOnlyLookedUp } of hosts) {
    const zone = name.slice(name.indexOf('.') + 1);
    if (isOnlyLookedUp || !zone.includes('.') || zone === name) continue;
    byZone.set(zone, (byZone.get(zone) ?? new Set<string>()).add(name));
  }
  return [...byZone]
    .filter(([, names]) => names.size > MANY_NAMES)
    .map(([zone, names]) => {
      const own = endpoints.filter((one) => hasPort(one) && one.names.some((name) => names.has(name)));
      const ports = portsText(own.map(({ port }) => port)).join(',');
      return `*.${zone}${ports === '' ? '' : `:${ports}`}`;
    });
}

function hasPort({ protocol }: CountedEndpoint): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

/** `_db._tcp.NAME` may be asked for where NAME may. */
function isServiceOf(name: string, names: ReadonlySet<string>): boolean {
  const host = hostOfService(name);
  return host !== name && names.has(host);
}

/** Where answers must be allowed to point that are not of the internet. */
function placesOf(addresses: readonly AddressBytes[], sets: NamedNetworks): string[] {
  const places = addresses
    .filter((address) => !isOfInternet(address))
    .map(
      (address) =>
        sets.find(([, networks]) => networks.some((network) => isInNetwork(address, network)))?.[0] ??
        formatAddress(address),
    );
  return [...new Set<string>(places)];
}
