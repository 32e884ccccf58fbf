/** Which option would allow what was refused. */
import { readFileSync } from 'node:fs';
import { asksForSource } from '../judge/destination.ts';
import { OWN_PLACES } from '../judge/files.ts';
import { formatAddress } from '../policy/address-text.ts';
import {
  TEMPORARY,
  type AddressBytes,
  type NetworkPolicy,
  type PathBytes,
  type Policy,
  type Port,
} from '../policy/policy.ts';
import { isInNetwork, isWithin } from '../policy/within.ts';
import type { ReferralEvent, ReportedObject } from './event.ts';
import { type Homes, sensitivity } from './sensitive.ts';
import { shellQuote } from './shell-quote.ts';

export type Advice =
  /** Options to add, ready to be pasted; `instead` of another one that would win over them. */
  | { readonly kind: 'options'; readonly options: string; readonly instead?: string }
  /** Not suggested lightly, and why. */
  | { readonly kind: 'sensitive'; readonly reason: string }
  /** No option allows it; and why, where that is not plain. */
  | { readonly kind: 'none'; readonly reason?: string };

const NONE: Advice = { kind: 'none' };
/** Somebody else's, and its number another's the next time. */
const TERMINAL: Advice = {
  kind: 'none',
  reason: 'a terminal of somebody else, which has another number each time',
};
const OWN: Advice = { kind: 'none', reason: OWN_PLACES };
const DELETED = Buffer.from(' (deleted)');
const DNS_PORT = 53;
const RESOLV_CONF = '/etc/resolv.conf';

export class Advisor {
  readonly #policy: Policy;
  readonly #homes: () => Homes;
  readonly #resolvConf: string;
  #resolvers: ReadonlySet<string> | undefined;

  /** @param homes asked once something was refused */
  constructor(policy: Policy, homes: () => Homes, resolvConf: string = RESOLV_CONF) {
    this.#policy = policy;
    this.#homes = homes;
    this.#resolvConf = resolvConf;
  }

  /** What would allow a refused call. */
  advise({ object, operation, rule }: ReferralEvent): Advice {
    if (rule === OWN_PLACES) return OWN;
    if (object.kind === 'path' && isPseudoTerminal(object.path)) return TERMINAL;
    if (!rule.includes('--')) return NONE;
    const advice = this.#optionFor(object, operation);
    const reason = advice.kind === 'options' ? sensitivity(object, this.#homes()) : undefined;
    return reason === undefined ? advice : { kind: 'sensitive', reason };
  }

  #optionFor(object: ReportedObject, operation: ReferralEvent['operation']): Advice {
    switch (object.kind) {
      case 'path':
        return this.#writeAllow([object.path], operation === 'create');
      case 'paths':
        return this.#writeAllow([object.from, object.to]);
      case 'unix-path':
        return operation === 'bind'
          ? this.#writeAllow([object.path], true)
          : listOption('--allow-unix', [object.path]);
      case 'unix-abstract':
        return object.name.includes(0)
          ? NONE
          : listOption('--allow-unix', [Buffer.concat([Buffer.from('@'), object.name])]);
      case 'address':
        return this.#destination(object, operation);
      case 'process':
      case 'none':
        return NONE;
    }
  }

  #writeAllow(paths: readonly PathBytes[], isNew = false): Advice {
    const { files } = this.#policy;
    if (files === undefined) return NONE;
    const outside = paths.filter((path) => !files.writable.some((directory) => isWithin(path, directory)));
    // The kernel's word for what has no name any more.
    if (outside.some((path) => path.subarray(-DELETED.length).equals(DELETED))) return NONE;
    if (outside.length > 0 && isNew && outside.every(isTemporary) && files.own === undefined)
      return { kind: 'options', options: '--own-tmp' };
    return outside.length === 0 ? NONE : listOption('--write-allow', outside);
  }

  #destination(
    { address, port, protocol }: Extract<ReportedObject, { kind: 'address' }>,
    operation: ReferralEvent['operation'],
  ): Advice {
    const { network } = this.#policy;
    if (network === undefined || network.kind === 'families') return NONE;
    const hasPort = protocol !== 'icmp';
    if (hasPort && port === DNS_PORT && this.#isResolver(address))
      return openingWith(['--allow-resolv'], network);
    // To learn its own address any allowed port does (reach.ts).
    const isQuestion = operation === 'connect' && asksForSource(protocol, port);
    const options = missingOptions(network, address, hasPort ? port : undefined, isQuestion);
    return options.length === 0 ? NONE : openingWith(options, network);
  }

  /** Compared as text: the addresses that people write there are the ones that we write. */
  #isResolver(address: AddressBytes): boolean {
    this.#resolvers ??= new Set(readResolvConf(this.#resolvConf).split(/[\s%]+/));
    return this.#resolvers.has(formatAddress(address));
  }
}

/** A name that is made there once is another one the next time. */
function isTemporary(path: PathBytes): boolean {
  return TEMPORARY.some((directory) => directory.equals(path.subarray(0, path.lastIndexOf('/'))));
}

const PSEUDO_TERMINAL_PATTERN = /^\/dev\/pts\/\d+$/;

/** A terminal that goes by a number, which others get later: no name to rely on. */
export function isPseudoTerminal(path: PathBytes): boolean {
  return PSEUDO_TERMINAL_PATTERN.test(path.toString('latin1'));
}

function missingOptions(
  network: NetworkPolicy,
  address: AddressBytes,
  port: Port | undefined,
  isQuestion: boolean,
): string[] {
  const { networks, ports } = network.kind === 'listed' ? network : { networks: [], ports: undefined };
  const isListed = networks === undefined || networks.some((one) => isInNetwork(address, one));
  const isPortListed = ports === undefined || isQuestion || (port !== undefined && ports.includes(port));
  if (!isPortListed && (port === undefined || port === 0)) return [];
  return [
    ...(isListed ? [] : [`--allowed-netmasks=${formatAddress(address)}`]),
    ...(isPortListed ? [] : [`--allowed-ports=${port}`]),
  ];
}

function openingWith(options: readonly string[], network: NetworkPolicy): Advice {
  const advice = { kind: 'options', options: options.join(' ') } as const;
  return network.kind === 'none' ? { ...advice, instead: '--no-outbound-network' } : advice;
}

/** A list option for each item, quoted. Not one for all: an item that ends in a backslash would take the comma after it for its own. */
export function listOption(name: string, items: readonly Buffer[]): Advice {
  const words = items.map((item) => `${name}=${item.toString('latin1').replaceAll(',', String.raw`\,`)}`);
  return { kind: 'options', options: words.map((word) => shellQuote(Buffer.from(word, 'latin1'))).join(' ') };
}

function readResolvConf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
