/** `--why=connect:HOST:PORT`. */
import { lookup } from 'node:dns/promises';
import { NetworkRules } from '../judge/network.ts';
import { formatAddress } from '../policy/address-text.ts';
import { parseAddress } from '../policy/networks.ts';
import type { AddressBytes, NetworkPolicy } from '../policy/policy.ts';
import type { Assignment } from './assignments.ts';
import type { PlannedRun } from './plan-run.ts';
import { UsageError } from './usage-error.ts';
import type { Answer } from './why-answer.ts';

const ASKED_PATTERN =
  /^(?:\[(?<bracketed>[^\]]+)\]|(?<host>[^\][/]+)):(?<port>\d{1,5})(?:\/(?<protocol>tcp|udp))?$/;
const MOST_PORTS = 65_535;
const NAME_PATTERN = /^[\w.-]+$/;
/** What the kernel takes the unspecified address for (ip(7)). */
const LOOPBACK: Readonly<Record<number, AddressBytes>> = {
  4: Uint8Array.of(127, 0, 0, 1),
  16: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};

interface Destination {
  readonly address: AddressBytes;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** By which the address was found. */
  readonly names: readonly string[];
}

/** An answer for each address of the host. Throws a UsageError. */
export async function whyConnected(run: PlannedRun, asked: Assignment, what: string): Promise<Answer[]> {
  const { bracketed, host = bracketed, port: portText, protocol } = ASKED_PATTERN.exec(what)?.groups ?? {};
  const port = Number(portText);
  if (host === undefined || port > MOST_PORTS)
    throw wrong(asked, 'names no host and port', 'connect:HOST:PORT, PORT up to 65535');
  const addresses = await addressesOf(host, asked);
  // As if the command had looked it up.
  const names = parseAddress(host) === undefined ? [host.toLowerCase().replace(/\.$/, '')] : [];
  return addresses.map((address) =>
    judge(run, { address, port, protocol: protocol === 'udp' ? 'udp' : 'tcp', names }),
  );
}

async function addressesOf(host: string, asked: Assignment): Promise<AddressBytes[]> {
  const literal = parseAddress(host);
  if (literal !== undefined) return [literal];
  const found = NAME_PATTERN.test(host) ? await lookup(host, { all: true }).catch(() => []) : [];
  const addresses = found.flatMap(({ address }) => parseAddress(address) ?? []);
  if (addresses.length > 0) return addresses;
  throw wrong(asked, 'names a host that has no address here', 'an address, or a name that can be looked up');
}

function wrong({ spelling, text, origin }: Assignment, problem: string, hint: string): UsageError {
  return new UsageError({ option: spelling, word: text, problem, hint, origin });
}

function judge(
  { plan, policy, engine }: PlannedRun,
  { address: given, port, protocol, names }: Destination,
): Answer {
  const address = given.every((byte) => byte === 0) ? (LOOPBACK[given.length] ?? given) : given;
  const answer = { access: 'connect', what: `${formatAddress(address)} port ${port} ${protocol}` } as const;
  const { network } = policy;
  const { sockets } = plan.situation;
  if (sockets === 'tcp' && protocol === 'udp')
    return {
      ...answer,
      allowed: false,
      rule: 'without a supervisor only TCP sockets are made',
      by: 'filter',
    };
  const verdict = new NetworkRules(network, { namesOf: () => names }).judge(address, port, protocol);
  const isOpen = network === undefined || network.kind === 'families';
  const by = isOpen
    ? 'nobody'
    : engine !== 'kernel'
      ? 'supervisor'
      : sockets === 'tcp'
        ? 'Landlock'
        : 'filter';
  if (verdict.kind !== 'refuse') return { ...answer, allowed: true, rule: allowingRule(network), by };
  const isHere =
    address.length === 4 ? address[0] === 127 : address.every((byte, at) => byte === (at === 15 ? 1 : 0));
  const note = isHere && engine !== 'kernel' ? 'but for what the sandbox itself has bound there' : undefined;
  return { ...answer, allowed: false, rule: verdict.rule, by, note };
}

function allowingRule(network: NetworkPolicy | undefined): string {
  if (network === undefined) return 'the network is not restricted';
  return network.kind === 'families'
    ? '--mainstream-network-families, which says nothing of addresses'
    : 'an allowed destination';
}
