/**
 * Destinations that a person gives: a host or a network, with ports and a protocol. Import it lazily: the library behind
 * networks costs start-up time.
 *
 *     db.internal:5432/tcp    *.example.org    [2001:db8::1]:443    10.0.0.0/8:22,80    @private    db.internal@private
 */
import type { DestinationPlace, DestinationRule } from './destinations.ts';
import { parseHostName } from './host-name.ts';
import { NETWORK_SETS } from './network-sets.ts';
import { parseNetwork } from './networks.ts';
import type { Network } from './policy.ts';
import { parsePortRange } from './ports.ts';
import { ValueError } from './value-error.ts';

/** What one word says, of several places where it names a set. */
export interface DestinationWord extends Pick<DestinationRule, 'ports' | 'protocol' | 'mayPointTo'> {
  readonly places: readonly DestinationPlace[];
}

/** What may stand before ports: names and networks, or networks alone. */
export type Whom = 'hosts' | 'networks';

const PROTOCOL_PATTERN = /\/(tcp|udp)$/i;
const BRACKETED_PATTERN = /^(?<host>\[[^\]]*\](?:\/[^:]*)?)(?::(?<ports>.*))?$/s;
const WITH_PREFIX_PATTERN = /^(?<host>[^/]*\/[^:]*)(?::(?<ports>.*))?$/s;
const WITH_PORTS_PATTERN = /^(?<host>[^:]*):(?<ports>[^:]*)$/s;
/** What is meant as an address, right or wrong. A name has no colon, and its last label is no number. */
const ADDRESS_PATTERN = /^\[|:|\/|^[\d.]+$/;

/** What is sent there does not leave this host, and nothing that leaves it does so for that. */
const LOOPBACK = 'loopback';
/** Where an IPv4 address begins in an IPv6 address that stands for it. */
const CARRIERS: readonly { readonly bytes: Uint8Array; readonly at: number }[] = [
  { bytes: Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), at: 12 },
  { bytes: Uint8Array.of(0x20, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), at: 2 },
];

/** Throws a ValueError. */
export function parseDestination(text: string, whom: Whom): DestinationWord {
  // An @ at the beginning is a set; behind a name it says where its answers may point.
  const [word = '', ...pointed] = splitAt(text);
  const protocol = PROTOCOL_PATTERN.exec(word)?.[1]?.toLowerCase();
  const { host, ports } = splitPorts(protocol === undefined ? word : word.slice(0, -protocol.length - 1));
  const places = placesOf(host, whom);
  if (pointed.length > 0 && places[0]?.kind !== 'host')
    throw new ValueError('has an @ behind what is no name', {
      hint: 'expected one like db.internal@private',
    });
  return {
    places,
    ports: ports === undefined ? undefined : ports.split(',').map(parsePortRange),
    protocol: protocol === 'tcp' || protocol === 'udp' ? protocol : undefined,
    ...(pointed.length > 0 && { mayPointTo: pointed.flatMap(networksOf) }),
  };
}

/** A network, or all of a set: `@private`. Throws a ValueError. */
export function networksOf(text: string): readonly Network[] {
  const set = NETWORK_SETS.get(text);
  if (set !== undefined)
    return set
      .map(parseNetwork)
      .flatMap((network) => (text === LOOPBACK ? [network] : [network, ...carried(network)]));
  if (ADDRESS_PATTERN.test(text)) return [parseNetwork(text)];
  const names = [...NETWORK_SETS.keys()].map((name) => `@${name}`).join(', ');
  throw new ValueError('names no set of networks', { hint: `there are ${names}` });
}

/** The same network as IPv6 carries it to a router that translates, or unpacks it: NAT64 (RFC 6052), 6to4 (RFC 3056). */
function carried({ address, prefix }: Network): Network[] {
  if (address.length !== 4) return [];
  return CARRIERS.map(({ bytes, at }) => {
    const whole = Uint8Array.from(bytes);
    whole.set(address, at);
    return { address: whole, prefix: 8 * at + prefix };
  });
}

/** `name@one@two` in its parts; the first keeps an @ at its beginning. */
function splitAt(text: string): string[] {
  if (!text.includes('@', 1)) return [text];
  const [first = '', ...others] = text.slice(1).split('@');
  return [text.slice(0, 1) + first, ...others];
}

interface HostAndPorts {
  readonly host: string;
  readonly ports: string | undefined;
}

/** An IPv6 address without brackets has no ports: its last group could be taken for one. */
function splitPorts(word: string): HostAndPorts {
  const pattern = word.startsWith('[')
    ? BRACKETED_PATTERN
    : word.includes('/')
      ? WITH_PREFIX_PATTERN
      : WITH_PORTS_PATTERN;
  const { host = word, ports } = pattern.exec(word)?.groups ?? {};
  return { host, ports };
}

function placesOf(host: string, whom: Whom): DestinationPlace[] {
  const isSet = host.startsWith('@');
  if (isSet || whom === 'networks' || ADDRESS_PATTERN.test(host)) {
    const networks = isSet ? networksOf(host.slice(1)) : [parseNetwork(host)];
    return networks.map((network) => ({ kind: 'network', network }));
  }
  return [{ kind: 'host', name: parseHostName(host) }];
}
