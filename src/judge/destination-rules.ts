/**
 * Destinations by rules: what is said of the address, of the names that it was given out for, and of the port alone. Within each
 * the most specific rule decides; what denies anywhere is denied. Pure; as fast for ten thousand rules as for one.
 */
import type { DestinationRule } from '../policy/destinations.ts';
import type { AddressBytes, ListedDestinations, Network, Port } from '../policy/policy.ts';
import { portRanges } from '../policy/ports.ts';
import { AddressTable, type Entry } from './address-table.ts';
import type { InternetProtocol } from './destination.ts';
import { byRank, HostRules, type HostRule } from './host-rules.ts';
import type { KnownNames } from './known-names.ts';
import { PortDecisions, type PortRule } from './port-decisions.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

/** How a rule decides; a rule that names its ports is not taken back by `--denied-ports`. */
type Weight = 'deny' | 'allow' | 'allow by port';

interface Decision {
  readonly weight: Weight;
  readonly verdict: Verdict;
}

interface NetworkRule extends PortRule {
  readonly effect: DestinationRule['effect'];
  /** From the lists that ports and networks have of their own: counts as a rule without ports. */
  readonly listed: boolean;
}

/** Folded when an address of the segment is first asked about. */
interface Segment {
  readonly chain: readonly (readonly NetworkRule[])[];
  decisions: PortDecisions | undefined;
}

const ALLOWED: Decision = { weight: 'allow', verdict: PERFORM };
const ALLOWED_BY_PORT: Decision = { weight: 'allow by port', verdict: PERFORM };
const IPV4_EVERYWHERE: Network = { address: new Uint8Array(4), prefix: 0 };
const IPV6_EVERYWHERE: Network = { address: new Uint8Array(16), prefix: 0 };

export class DestinationRules {
  readonly #names: KnownNames;
  readonly #hosts: HostRules | undefined;
  readonly #ipv4: AddressTable<Segment>;
  readonly #ipv6: AddressTable<Segment>;
  readonly #ports: PortDecisions;
  readonly #decisions: Decision[] = [];
  readonly #otherwise: Verdict;

  /** @param names asked where there is a rule about a name */
  constructor(policy: ListedDestinations, names: KnownNames) {
    const hosts: HostRule[] = [];
    const networks: Entry<NetworkRule>[] = [];
    const denied: PortRule[] = [];
    const { rules = [] } = policy;
    for (const rule of rules) {
      const { effect, to, ports, protocol, mayPointTo } = rule;
      const number = this.#add(rule);
      const rest = { number, effect, ports, protocol };
      if (to.kind === 'host') hosts.push({ ...rest, name: to.name, mayPointTo });
      else if (to.kind === 'network')
        networks.push({ network: to.network, value: { ...rest, listed: false } });
      else if (effect === 'deny') denied.push(rest);
      else networks.push(...everywhere({ ...rest, listed: true }));
    }
    networks.push(...this.#listed(policy));
    this.#names = names;
    this.#hosts = hosts.length > 0 ? new HostRules(hosts) : undefined;
    this.#ipv4 = tableOf(networks, 4);
    this.#ipv6 = tableOf(networks, 16);
    this.#ports = new PortDecisions(denied);
    this.#otherwise = refuse(outsideText(policy));
  }

  judge(address: AddressBytes, port: Port, protocol: InternetProtocol): Verdict {
    const byAddress = this.#decisions[this.#byAddress(address).of(port, protocol)];
    if (byAddress?.weight === 'deny') return byAddress.verdict;
    const byName = this.#byName(address, port, protocol);
    if (byName?.weight === 'deny') return byName.verdict;
    if (byAddress?.weight === 'allow by port' || byName?.weight === 'allow by port') return PERFORM;
    const byPort = this.#decisions[this.#ports.of(port, protocol)];
    if (byPort !== undefined) return byPort.verdict;
    return byAddress === undefined && byName === undefined ? this.#otherwise : PERFORM;
  }

  /** A port that an address may be reached at; undefined where there is none. */
  allowedPort(address: AddressBytes, protocol: 'tcp' | 'udp'): Port | undefined {
    const names = this.#hosts === undefined ? [] : this.#names.namesOf(address);
    const all = [
      this.#byAddress(address),
      this.#ports,
      ...names.flatMap((name) => this.#hosts?.decisionsOf(name) ?? []),
    ];
    for (const decisions of all)
      for (const start of decisions.samples(protocol)) {
        // Nothing is sent to port 0; what is decided from there on mostly holds for the next one too.
        const port = Math.max(start, 1);
        if (this.judge(address, port, protocol).kind !== 'refuse') return port;
      }
    return undefined;
  }

  /** Of all names that an address has: one that is denied closes it, one that is allowed opens it. */
  #byName(address: AddressBytes, port: Port, protocol: InternetProtocol): Decision | undefined {
    const hosts = this.#hosts;
    if (hosts === undefined) return undefined;
    let found: Decision | undefined;
    for (const name of this.#names.namesOf(address)) {
      const decision = this.#decisions[hosts.decisionsOf(name).of(port, protocol)];
      if (decision?.weight === 'deny') return decision;
      if (found?.weight !== 'allow by port') found = decision ?? found;
    }
    return found;
  }

  #byAddress(address: AddressBytes): PortDecisions {
    const segment = (address.length === 4 ? this.#ipv4 : this.#ipv6).at(address);
    segment.decisions ??= new PortDecisions(segment.chain.flatMap((rules) => rules.toSorted(byWeight)));
    return segment.decisions;
  }

  /** @returns its number */
  #add({ effect, ports, said }: Pick<DestinationRule, 'effect' | 'ports' | 'said'>): number {
    const allowed = ports === undefined ? ALLOWED : ALLOWED_BY_PORT;
    const decision: Decision =
      effect === 'deny' ? { weight: 'deny', verdict: refuse(`denied by ${said}`) } : allowed;
    return this.#decisions.push(decision) - 1;
  }

  /** What the lists of networks and ports allow, and the resolvers. */
  #listed({ networks, ports, endpoints }: ListedDestinations): Entry<NetworkRule>[] {
    const number = this.#decisions.push(ALLOWED) - 1;
    const ofPort = this.#decisions.push(ALLOWED_BY_PORT) - 1;
    const rest = { effect: 'allow', protocol: undefined } as const;
    const value = { ...rest, number, ports: ports && portRanges(ports), listed: true };
    return [
      ...(networks === undefined ? everywhere(value) : networks.map((network) => ({ network, value }))),
      ...endpoints.map(({ address, port }) => ({
        network: { address, prefix: 8 * address.length },
        value: { ...rest, number: ofPort, ports: [{ first: port, last: port }], listed: false },
      })),
    ];
  }
}

function everywhere(value: NetworkRule): Entry<NetworkRule>[] {
  return [IPV4_EVERYWHERE, IPV6_EVERYWHERE].map((network) => ({ network, value }));
}

function tableOf(entries: readonly Entry<NetworkRule>[], length: 4 | 16): AddressTable<Segment> {
  return AddressTable.make(entries, length, (chain) => ({ chain, decisions: undefined }));
}

function byWeight(one: NetworkRule, other: NetworkRule): number {
  return byRank(weighed(one), weighed(other));
}

function weighed(rule: NetworkRule): Pick<NetworkRule, 'effect' | 'ports' | 'protocol'> {
  return rule.listed ? { ...rule, ports: undefined } : rule;
}

/** The list that a destination is outside of. */
function outsideText({ rules = [], networks }: ListedDestinations): string {
  const byName = rules.some(({ effect, to }) => effect === 'allow' && to.kind === 'host');
  if (byName) return 'outside --allowed-hosts';
  return networks === undefined ? 'outside --allowed-ports' : 'outside --allowed-netmasks';
}
