/** Which option would allow what was refused, now and the next time. */
import { readFileSync } from 'node:fs';
import { asksForSource } from '../judge/destination.ts';
import { KERNEL_INTERFACE, OWN_PLACES } from '../judge/files.ts';
import { ASTRAY, OUTSIDE_HOSTS } from '../judge/names/look-up.ts';
import { formatAddress } from '../policy/address-text.ts';
import { quotePlace } from '../policy/place-text.ts';
import { splitPath } from '../policy/paths.ts';
import {
  TEMPORARY,
  type AddressBytes,
  type ListedDestinations,
  type NetworkPolicy,
  type PathBytes,
  type Policy,
  type Port,
} from '../policy/policy.ts';
import { nameservers } from '../policy/resolv-conf.ts';
import { isInNetwork, isWithin } from '../policy/within.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import type { NewEntry, Operation, ReferralEvent, ReportedObject } from './event.ts';
import { isMadeUp } from './made-up-names.ts';
import { type Homes, NO_SECRETS, secrecy, type Secrets, sensitivity } from './sensitive.ts';
import { shellQuote } from './shell-quote.ts';

export type Advice =
  /** Options to add, ready to be pasted; `instead` of another one that would win over them. */
  | {
      readonly kind: 'options';
      readonly options: string;
      readonly instead?: string;
      /** Of a file: for several of them a directory can be named that lies below this one; where it is missing, any; `null`: none. */
      readonly within?: PathBytes | null;
    }
  /** Not suggested lightly, and why; `options` would allow it all the same. */
  | { readonly kind: 'sensitive'; readonly reason: string; readonly options?: string }
  /** No option allows it; and why, where that is not plain. */
  | { readonly kind: 'none'; readonly reason?: string };

type ReportedAddress = Extract<ReportedObject, { kind: 'address' }>;

const NONE: Advice = { kind: 'none' };
const OF_PROCESS: Advice = { kind: 'none', reason: 'a process has another number each time' };
const OF_PROCESS_PATTERN = /^\/proc\/\d+(?:\/|$)/;
/** Somebody else's, and its number another's the next time. */
const TERMINAL: Advice = {
  kind: 'none',
  reason: 'a terminal of somebody else, which has another number each time',
};
const OWN: Advice = { kind: 'none', reason: OWN_PLACES };
const INTERFACE: Advice = { kind: 'sensitive', reason: 'kernel interface' };
const LEADS_IN: Advice = { kind: 'sensitive', reason: 'the answer leads into a network of your own' };
const DELETED = Buffer.from(' (deleted)');
const DNS_PORT = 53;
/** What --own-tmp allows needs no directory named. */
export const OWN_TMP = '--own-tmp';
const SLASH = 0x2f;
const RESOLV_CONF = '/etc/resolv.conf';

export class Advisor {
  readonly #policy: Policy;
  readonly #homes: () => Homes;
  readonly #resolvConf: string;
  readonly #secrets: Secrets;
  readonly #reading: RuleIndex;
  readonly #changes: RuleIndex;
  #resolvers: ReadonlySet<string> | undefined;

  /** @param homes asked once something was refused, as `secrets` are */
  constructor(
    policy: Policy,
    homes: () => Homes,
    resolvConf: string = RESOLV_CONF,
    secrets: Secrets = NO_SECRETS,
  ) {
    this.#policy = policy;
    this.#homes = homes;
    this.#resolvConf = resolvConf;
    this.#secrets = secrets;
    this.#reading = new RuleIndex(policy.read ?? []);
    this.#changes = new RuleIndex(policy.files?.rules ?? []);
  }

  /** What would allow a refused call. */
  advise(event: ReferralEvent): Advice {
    const { object, rule } = event;
    if (rule === OWN_PLACES) return OWN;
    if (object.kind === 'host' && rule !== OUTSIDE_HOSTS) return rule.startsWith(ASTRAY) ? LEADS_IN : NONE;
    if (rule === KERNEL_INTERFACE) return INTERFACE;
    if (object.kind === 'path' && isPseudoTerminal(object.path)) return TERMINAL;
    if (event.operation === 'read') return object.kind === 'path' ? this.#readAllow(object.path) : NONE;
    if (!rule.includes('--')) return NONE;
    // Somebody has said no, and so what would say yes is not for us to say.
    if (rule.startsWith('denied by ')) return { kind: 'none', reason: rule };
    const advice = this.#optionFor(event);
    const reason = advice.kind === 'options' ? sensitivity(object, this.#homes()) : undefined;
    return reason === undefined ? advice : { kind: 'sensitive', reason };
  }

  #optionFor(event: ReferralEvent): Advice {
    const { object, operation, tid } = event;
    switch (object.kind) {
      case 'path': {
        const { path, entry } = object;
        return operation === 'create'
          ? this.#writeAllow([], { path, entry, tid })
          : (this.#allowTemporary(path, operation) ?? this.#writeAllow([path]));
      }
      case 'paths':
        return this.#writeAllow([object.from], { path: object.to, entry: object.entry, tid });
      case 'unix-path':
        return operation === 'bind'
          ? this.#writeAllow([], { path: object.path, entry: undefined, tid })
          : listOption('--allow-unix', [object.path]);
      case 'unix-abstract':
        // Without a name it is not spelt.
        return object.name.includes(0) || object.name.length === 0
          ? NONE
          : listOption('--allow-unix', [Buffer.concat([Buffer.from('@'), object.name])]);
      case 'address':
        return operation === 'bind' ? this.#listen(object, event.call) : this.#destination(object, operation);
      case 'host':
        return openingWith([`--allowed-hosts=${object.name}`], this.#policy.network);
      case 'process':
      case 'none':
        return NONE;
    }
  }

  /** Just the file or the directory that was to be opened. */
  #readAllow(path: PathBytes): Advice {
    const rule = this.#reading.decide(path);
    if (rule?.effect !== 'deny' || !hasName(path)) return NONE;
    if (!helps(rule, path, path)) return deniedBy(rule);
    if (OF_PROCESS_PATTERN.test(path.toString('latin1'))) return OF_PROCESS;
    const advice = placeOption('--read-allow', [path], withinOf(rule));
    const reason = secrecy(path, this.#homes(), this.#secrets);
    return reason === undefined ? advice : { kind: 'sensitive', reason, options: advice.options };
  }

  /** @param made what comes into being, beside what is there */
  #writeAllow(paths: readonly PathBytes[], made?: Made): Advice {
    const { files } = this.#policy;
    if (files === undefined) return NONE;
    const isOutside = (path: PathBytes): boolean =>
      (this.#changes.decide(path)?.effect ??
        (files.writable.some((directory) => isWithin(path, directory)) ? 'allow' : 'deny')) === 'deny';
    const outside = paths.filter(isOutside);
    const isNew = made !== undefined && isOutside(made.path);
    if (![...outside, ...(isNew ? [made.path] : [])].every(hasName)) return NONE;
    if (isNew && outside.length === 0 && this.#canBeOwn(made, paths.length > 0))
      return { kind: 'options', options: OWN_TMP };
    const places = outermost([...outside, ...(isNew ? [placeOf(made)] : [])]);
    const reasons = places.flatMap((path) => sensitivity({ kind: 'path', path }, this.#homes()) ?? []);
    if (reasons[0] !== undefined) return { kind: 'sensitive', reason: reasons[0] };
    const denied = [...outside, ...(isNew ? [made.path] : [])].map((path) => ({
      path,
      rule: this.#changes.decide(path),
    }));
    // What is denied at the place itself stays so, whatever else allows it.
    const isHelped = denied.every(({ path, rule }) => places.some((place) => helps(rule, path, place)));
    const [first] = denied;
    if (places.length === 0 || !isHelped) return first?.rule === undefined ? NONE : deniedBy(first.rule);
    const [within] = denied.map(({ rule }) => rule && withinOf(rule));
    return placeOption('--write-allow', places, within);
  }

  /** A nameless file (O_TMPFILE) is made where everybody makes theirs: directories are written to for nothing else. */
  #allowTemporary(path: PathBytes, operation: Operation): Advice | undefined {
    const isNameless = operation === 'write' && TEMPORARY.some((directory) => directory.equals(path));
    const { files } = this.#policy;
    return isNameless && files !== undefined && !files.own?.some((own) => own.equals(path))
      ? { kind: 'options', options: OWN_TMP }
      : undefined;
  }

  /** A directory that is moved does not become one's own, so a name that is known is named. */
  #canBeOwn({ path, tid }: Made, isMoved: boolean): boolean {
    const { parent } = splitPath(path);
    const isOwn = this.#policy.files?.own?.some((own) => own.equals(parent)) === true;
    return isTemporary(path) && !isOwn && (!isMoved || isMadeUp(path, tid));
  }

  /** A port that the kernel has chosen is another one the next time. */
  #listen({ port }: ReportedAddress, call: string): Advice {
    if (call !== 'bind') return NONE;
    const advice = { kind: 'options', options: `--allowed-listen=${port}` } as const;
    return this.#policy.listen?.length === 0 ? { ...advice, instead: '--allowed-listen=none' } : advice;
  }

  #destination(
    { address, port, protocol, names }: ReportedAddress,
    operation: ReferralEvent['operation'],
  ): Advice {
    const { network } = this.#policy;
    if (network === undefined || network.kind === 'families') return NONE;
    const hasPort = protocol !== 'icmp';
    if (hasPort && port === DNS_PORT && this.#isResolver(address))
      return openingWith(['--allow-resolv'], network);
    // To learn its own address any allowed port does (reach.ts).
    const isQuestion = operation === 'connect' && asksForSource(protocol, port);
    const rules = listsOf(network)?.rules;
    const options =
      rules === undefined
        ? missingOptions(network, address, hasPort ? port : undefined, isQuestion)
        : missingRule(network, names?.[0] ?? hostText(address), hasPort ? port : undefined, isQuestion);
    if (options === 'none helps') return NONE;
    if (options.length > 0) return openingWith(options, network);
    return network.kind === 'none' ? { kind: 'options', options: '--no-outbound-network=0' } : NONE;
  }

  /** Compared as text: the addresses that people write there are the ones that we write. */
  #isResolver(address: AddressBytes): boolean {
    this.#resolvers ??= new Set(nameservers(readResolvConf(this.#resolvConf)));
    return this.#resolvers.has(formatAddress(address));
  }
}

/** Whether a path that a rule denies would be allowed by naming a place. */
function helps(rule: Rule | undefined, path: PathBytes, place: PathBytes): boolean {
  if (!isWithin(path, place)) return false;
  const allowing: Rule = { effect: 'allow', place: { kind: 'path', path: place }, said: '' };
  return new RuleIndex([...(rule ? [rule] : []), allowing]).decide(path) === allowing;
}

/** An exception is nearer than what it is one of, or there is none. */
function deniedBy({ said }: Rule): Advice {
  return { kind: 'none', reason: `${said} denies just this` };
}

/** What a pattern matches may lie at any directory's own place. */
function withinOf({ place }: Rule): PathBytes | null {
  return place.kind === 'path' ? place.path : null;
}

/** What comes into being: an entry of a directory. */
interface Made {
  readonly path: PathBytes;
  readonly entry: NewEntry | undefined;
  /** Who makes it. */
  readonly tid: number;
}

/** What has to be named for a new entry: itself, or its directory where it has another name the next time or cannot be named. */
function placeOf({ path, entry, tid }: Made): PathBytes {
  return entry !== undefined || isMadeUp(path, tid) ? splitPath(path).parent : path;
}

/** Pipes and the like have none, nor what was removed or lies where no path leads: what the kernel calls them means nothing. */
export function hasName(path: PathBytes): boolean {
  const isRemoved = [path, splitPath(path).parent].some((one) =>
    one.subarray(-DELETED.length).equals(DELETED),
  );
  return path[0] === SLASH && !isRemoved;
}

/** Those that lie in no other. */
function outermost(paths: readonly PathBytes[]): PathBytes[] {
  return paths.filter(
    (path, index) =>
      !paths.some(
        (other, at) => isWithin(path, other) && (at < index || !path.equals(other)) && at !== index,
      ),
  );
}

/** Directly where everybody has temporary files. */
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
): string[] | 'none helps' {
  const { networks, ports } = listsOf(network) ?? { networks: [], ports: undefined };
  const isListed = networks === undefined || networks.some((one) => isInNetwork(address, one));
  const isPortListed = ports === undefined || isQuestion || (port !== undefined && ports.includes(port));
  if (!isPortListed && (port === undefined || port === 0)) return 'none helps';
  return [
    ...(isListed ? [] : [`--allowed-netmasks=${formatAddress(address)}`]),
    ...(isPortListed ? [] : [`--allowed-ports=${port}`]),
  ];
}

/** Beside rules: one more, for this host and port alone. Ports that are listed for any address go on being listed so. */
function missingRule(
  network: NetworkPolicy,
  host: string,
  port: Port | undefined,
  isQuestion: boolean,
): string[] | 'none helps' {
  const lists = listsOf(network);
  const isListed = lists?.ports !== undefined;
  if (isQuestion || port === 0 || (port === undefined && isListed)) return 'none helps';
  if (isListed && lists?.networks === undefined) return [`--allowed-ports=${port}`];
  const place = port === undefined ? host : `${host}:${port}`;
  return [shellQuote(Buffer.from(`--allowed-hosts=${place}`))];
}

/** As it stands before a port. */
function hostText(address: AddressBytes): string {
  const text = formatAddress(address);
  return address.length === 4 ? text : `[${text}]`;
}

/** The lists that count, once nothing wins over them. */
function listsOf(network: NetworkPolicy): ListedDestinations | undefined {
  if (network.kind === 'none') return network.overruled;
  return network.kind === 'listed' ? network : undefined;
}

function openingWith(options: readonly string[], network: NetworkPolicy | undefined): Advice {
  const advice = { kind: 'options', options: options.join(' ') } as const;
  return network?.kind === 'none' ? { ...advice, instead: '--no-outbound-network' } : advice;
}

/** A list option for each item, quoted. Not one for all: an item that ends in a backslash would take the comma after it for its own. */
export function listOption(
  name: string,
  items: readonly Buffer[],
): Extract<Advice, { readonly kind: 'options' }> {
  const words = items.map((item) => `${name}=${item.toString('latin1').replaceAll(',', String.raw`\,`)}`);
  return { kind: 'options', options: words.map((word) => shellQuote(Buffer.from(word, 'latin1'))).join(' ') };
}

/** The same for an option that takes places: in a path no sign has a meaning then. */
export function placeOption(
  name: string,
  paths: readonly PathBytes[],
  within?: PathBytes | null,
): Extract<Advice, { readonly kind: 'options' }> {
  const advice = listOption(
    name,
    paths.map((path) => Buffer.from(quotePlace(path.toString('latin1')), 'latin1')),
  );
  return within === undefined ? advice : { ...advice, within };
}

function readResolvConf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
