/** The words of the settings about the network, turned into a policy: networks, hosts, ports and resolvers read. */
import type { DestinationRule, PortRange } from '../policy/destinations.ts';
import type { Endpoint, ListedDestinations, Network, NetworkPolicy, Policy } from '../policy/policy.ts';
import { parsePorts, portRanges, withoutPorts } from '../policy/ports.ts';
import type { Assignment } from './assignments.ts';
import { printable, toBytes } from './byte-string.ts';
import { reading } from './given-path.ts';
import type { PolicyWords } from './settings.ts';
import { naming, UsageError } from './usage-error.ts';

const PLAIN_PATTERN = /^[\d.]+(?:\/\d+)?$/;
const PRINTABLE_PATTERN = /^[ -[\]-~]*$/;

/** Throws a UsageError that names the word at fault. */
export async function makeNetworkPolicy(words: PolicyWords): Promise<NetworkPolicy | undefined> {
  // Read even where --no-outbound-network makes them moot: a wrong word is an error all the same.
  const lists = await readLists(words);
  if (words.network === 'open') return undefined;
  if (words.network === 'families') return { kind: 'families' };
  if (words.network === 'listed') return { ...lists, endpoints: await readResolvers(words.resolvers) };
  const { networks, ports, rules } = lists;
  const isEmpty = networks?.length === 0 && ports === undefined && rules === undefined;
  return isEmpty ? { kind: 'none' } : { kind: 'none', overruled: lists };
}

/** Throws a UsageError that names the word at fault. */
export async function makeListenPolicy({ listen }: PolicyWords): Promise<Pick<Policy, 'listen'>> {
  const [first] = listen;
  if (first === undefined) return {};
  const { NOWHERE, parseListen } = await import('../policy/listen-words.ts');
  const nowhere = listen.find(({ text }) => text === NOWHERE);
  if (nowhere === undefined)
    return { listen: listen.flatMap((given) => reading(given, () => parseListen(given.text))) };
  if (listen.length === 1) return { listen: [] };
  const { spelling: option, text: word, origin } = nowhere;
  const hint = 'leave one of them out';
  throw new UsageError({ option, word, problem: 'contradicts what else may be listened at', hint, origin });
}

async function readLists(words: PolicyWords): Promise<ListedDestinations> {
  const { deniedHosts, deniedNetworks, deniedPorts, hosts } = words.destinations;
  // Long lists are mostly of these.
  const plain = await readNetworks(words.networks.filter(isPlain));
  const allowing = [
    ...(await readRules(
      words.networks.filter((given) => !isPlain(given)),
      'allow',
      'networks',
    )),
    ...(await readRules(hosts, 'allow', 'hosts')),
  ];
  const ports = words.ports.flatMap((given) => reading(given, () => parsePorts(given.text)));
  const denying = [
    ...(await readRules(deniedNetworks, 'deny', 'networks')),
    ...(await readRules(deniedHosts, 'deny', 'hosts')),
    ...deniedPorts.map((given) => deniedPort(given)),
  ];
  if (plain.length === 0) refuseIdlePorts(words.ports, allowing);
  const networks = [...plain, ...allowing.flatMap(plainNetwork)];
  const others = allowing.filter((rule) => plainNetwork(rule).length === 0);
  const usual = ports.length === 0 ? undefined : withoutPorts(portRanges(ports), denying.flatMap(portAlone));
  const rules = [...others.map((rule) => withPorts(rule, usual)), ...denying];
  // Without a word of what is allowed all is that nothing denies.
  const isOpen =
    allowing.length + plain.length === 0 && (ports.length > 0 || (denying.length > 0 && !words.resolvers));
  return {
    kind: 'listed',
    networks: isOpen ? undefined : networks,
    ports: ports.length > 0 ? ports : undefined,
    endpoints: [],
    ...(rules.length > 0 && { rules }),
  };
}

/** A network of IPv4 or an address, right or wrong, and nothing besides. */
function isPlain({ text }: Assignment): boolean {
  return PLAIN_PATTERN.test(text);
}

async function readNetworks(given: readonly Assignment[]): Promise<Network[]> {
  if (given.length === 0) return [];
  const { parseNetwork } = await import('../policy/networks.ts');
  return given.map((word) => reading(word, () => parseNetwork(word.text)));
}

/** Those that the list of ports is about as well, as ever. */
function plainNetwork({ to, ports, protocol }: DestinationRule): Network[] {
  return to.kind === 'network' && ports === undefined && protocol === undefined ? [to.network] : [];
}

function portAlone({ to, ports = [] }: DestinationRule): readonly PortRange[] {
  return to.kind === 'any' ? ports : [];
}

/** Ports that are listed by themselves hold for what has none of its own. */
function withPorts(rule: DestinationRule, ports: readonly PortRange[] | undefined): DestinationRule {
  return rule.ports === undefined && ports !== undefined ? { ...rule, ports } : rule;
}

/** A list of ports that nothing asks would be taken for a restriction. */
function refuseIdlePorts([ports]: readonly Assignment[], allowing: readonly DestinationRule[]): void {
  if (ports === undefined || allowing.length === 0) return;
  if (allowing.some((rule) => rule.ports === undefined)) return;
  throw new UsageError({
    option: ports.spelling,
    word: ports.text,
    problem: 'has no effect: all that is allowed has ports of its own',
    hint: 'leave it out, or add 0.0.0.0/0 and ::/0 for any address at these ports',
    origin: ports.origin,
  });
}

async function readRules(
  given: readonly Assignment[],
  effect: DestinationRule['effect'],
  whom: 'hosts' | 'networks',
): Promise<DestinationRule[]> {
  if (given.length === 0) return [];
  const { parseDestination } = await import('../policy/destination-words.ts');
  return given.flatMap((word) => {
    const { places, ...rest } = reading(word, () => parseDestination(toBytes(word.text).toString(), whom));
    return places.map((to) => ({ effect, to, ...rest, said: saidOf(word) }));
  });
}

function deniedPort(given: Assignment): DestinationRule {
  const ports = portRanges(reading(given, () => parsePorts(given.text)));
  return { effect: 'deny', to: { kind: 'any' }, ports, protocol: undefined, said: saidOf(given) };
}

/** As on a command line, wherever it was written. */
function saidOf({ option, text }: Assignment): string {
  return `--${option.name}=${PRINTABLE_PATTERN.test(text) ? text : printable(text)}`;
}

async function readResolvers(given: Assignment | undefined): Promise<Endpoint[]> {
  if (given === undefined) return [];
  const { systemResolvers } = await import('../policy/resolvers.ts');
  return naming({ option: given.spelling, origin: given.origin }, () => systemResolvers());
}
