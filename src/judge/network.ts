/** The judge of network destinations: an address and a port → verdict. Pure. */
import type { AddressBytes, Endpoint, NetworkPolicy, Port } from '../policy/policy.ts';
import { AddressRanges } from './address-ranges.ts';
import type { InternetProtocol } from './destination.ts';
import { DestinationRules } from './destination-rules.ts';
import { NO_NAMES, type KnownNames } from './known-names.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

const NO_NETWORK_RULE = refuse('--no-outbound-network');
const OUTSIDE_RULE = refuse('outside --allowed-netmasks');
const PORT_RULE = refuse('outside --allowed-ports');
const FAMILY_RULE = refuse('not an ordinary family or protocol');

/** Why a place on this host is reached that got its port inside. */
export const OWN_PORT = 'bound in the sandbox';

const PORTS = 65536;
const NO_NAME: readonly string[] = [];

interface Lists {
  /** Undefined: any address. */
  readonly ipv4: AddressRanges | undefined;
  readonly ipv6: AddressRanges | undefined;
  /** One byte a port; undefined: any port. */
  readonly ports: Uint8Array | undefined;
  readonly endpoints: ReadonlySet<string>;
}

/** What a policy says about destinations, made ready to be asked. */
export class NetworkRules {
  readonly #kind: 'open' | NetworkPolicy['kind'];
  readonly #lists: Lists | undefined;
  /** In place of the lists, where there are rules beside them. */
  readonly #rules: DestinationRules | undefined;
  readonly #names: KnownNames | undefined;

  /**
   * @param policy undefined: the network is not restricted
   * @param names what addresses were given out for, where there are rules about names
   */
  constructor(policy: NetworkPolicy | undefined, names: KnownNames = NO_NAMES) {
    this.#kind = policy?.kind ?? 'open';
    // Who is watched alone is told of them too.
    if (policy === undefined) this.#names = names;
    if (policy?.kind !== 'listed') return;
    if (policy.rules === undefined) this.#lists = makeLists(policy);
    else this.#rules = new DestinationRules(policy, names);
    this.#names = policy.rules?.some(({ to }) => to.kind === 'host') === true ? names : undefined;
  }

  /** Families and protocols that have no rules are then closed. */
  get restricted(): boolean {
    return this.#kind !== 'open';
  }

  /** Whether every address of every ordinary family may be reached. */
  get anyAddress(): boolean {
    return this.#kind === 'open' || this.#kind === 'families';
  }

  judge(address: AddressBytes, port: Port, protocol: InternetProtocol): Verdict {
    if (this.#rules !== undefined) return this.#rules.judge(address, port, protocol);
    if (this.#lists === undefined) return this.anyAddress ? PERFORM : NO_NETWORK_RULE;
    const { ipv4, ipv6, ports, endpoints } = this.#lists;
    // Echo requests have no port: what the address holds in its place is an identifier.
    const hasPort = protocol !== 'icmp';
    if (hasPort && endpoints.size > 0 && endpoints.has(endpointKey(address, port))) return PERFORM;
    const ranges = address.length === 4 ? ipv4 : ipv6;
    if (ranges !== undefined && !ranges.has(address)) return OUTSIDE_RULE;
    if (ports !== undefined && !(hasPort && ports[port] === 1)) return PORT_RULE;
    return PERFORM;
  }

  /** The names that an address was given out for, as far as rules ask for names. */
  namesOf(address: AddressBytes): readonly string[] {
    return this.#names?.namesOf(address) ?? NO_NAME;
  }

  /** A port that an address may be reached at, where only some may; undefined where none may. Without rules of ports: undefined. */
  allowedPort(address: AddressBytes, protocol: 'tcp' | 'udp'): Port | undefined {
    if (this.#rules !== undefined) return this.#rules.allowedPort(address, protocol);
    if (this.#lists === undefined) return undefined;
    const { ipv4, ipv6, ports, endpoints } = this.#lists;
    const ranges = address.length === 4 ? ipv4 : ipv6;
    const isListed = ports !== undefined && (ranges === undefined || ranges.has(address));
    const listed = isListed ? ports.indexOf(1, 1) : -1;
    if (listed > 0) return listed;
    const prefix = endpointKey(address, 0).slice(0, -1);
    const own = [...endpoints].find((one) => one.startsWith(prefix));
    return own === undefined ? undefined : Number(own.slice(prefix.length)) || undefined;
  }

  /** What is neither internet nor Unix: closed under any network restriction. */
  judgeOther(): Verdict {
    return this.restricted ? FAMILY_RULE : PERFORM;
  }
}

function makeLists(policy: Extract<NetworkPolicy, { kind: 'listed' }>): Lists {
  const { networks } = policy;
  return {
    ipv4: networks && new AddressRanges(networks, 4),
    ipv6: networks && new AddressRanges(networks, 16),
    ports: policy.ports && portTable(policy.ports),
    endpoints: new Set(policy.endpoints.map(({ address, port }: Endpoint) => endpointKey(address, port))),
  };
}

function portTable(ports: readonly Port[]): Uint8Array {
  const table = new Uint8Array(PORTS);
  for (const port of ports) table[port] = 1;
  return table;
}

function endpointKey(address: AddressBytes, port: Port): string {
  return `${address.join('.')} ${port}`;
}
