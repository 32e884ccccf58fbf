/** The judge of look-ups: which questions leave the machine, and what of an answer is passed on. Pure. */
import type { AddressBytes } from '../../policy/addresses.ts';
import type { KnownNames } from '../known-names.ts';
import type { LookUpRules } from './look-up-rules.ts';
import { ResponseCode, type AskedType, type DnsRecord } from './record.ts';

const IPV4_REVERSE = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;
const IPV6_REVERSE = /^((?:[0-9a-f]\.){32})ip6\.arpa$/;
const REVERSE = /\.arpa$/;
/** `_sip._tcp.` and `_8443._https.` in front of a host's name (RFC 2782, RFC 6335, RFC 9460). */
const SERVICE = /^_[a-z\d-]{1,15}\._[a-z\d-]{1,15}\./;
const OF_SERVICES: ReadonlySet<AskedType | undefined> = new Set<AskedType>(['SRV', 'HTTPS', 'SVCB']);

/** The host or zone whose service a name is of: `example.org` of `_db._tcp.example.org`. The name itself where it is of none. */
export function hostOfService(name: string): string {
  return name.replace(SERVICE, '');
}

/** Why a look-up is refused of which no rule speaks. */
export const OUTSIDE_HOSTS = 'outside --allowed-hosts';
/** How it begins where an answer is not passed on. */
export const ASTRAY = 'not of the internet: ';

export interface AskedName {
  /** Lower case; undefined: no name that a host or service has. */
  readonly name: string | undefined;
  /** Undefined: none that is asked. */
  readonly type: AskedType | undefined;
  readonly isInternet: boolean;
}

/** What questions are judged by. */
export interface LookUpPolicy {
  readonly rules: LookUpRules;
  readonly known: KnownNames;
  /** Names of which no rule speaks may be looked up: nothing keeps them from being. */
  readonly others: boolean;
  /** The domains that resolvers try to put behind a name (resolv.conf(5), "search"). */
  readonly search: readonly string[];
}

export type LookUpVerdict =
  | {
      readonly kind: 'ask';
      readonly name: string;
      readonly type: AskedType;
      /** That it has the name gives an address rights. */
      readonly grants: boolean;
    }
  | {
      readonly kind: 'answer';
      readonly code: number;
      /** What was refused, where somebody is to be told. */
      readonly refused?: string;
    };

export function judgeLookUp({ name, type, isInternet }: AskedName, policy: LookUpPolicy): LookUpVerdict {
  if (!isInternet) return { kind: 'answer', code: ResponseCode.refused };
  if (name === undefined) return { kind: 'answer', code: ResponseCode.nameError };
  const { rules, known, others, search } = policy;
  const refusal = { kind: 'answer', code: ResponseCode.nameError, refused: name } as const;
  if (REVERSE.test(name)) {
    const address = type === 'PTR' ? addressOfReverse(name) : undefined;
    const isKnown = address !== undefined && known.namesOf(address).length > 0;
    return isKnown || (others && type === 'PTR')
      ? { kind: 'ask', name, type: 'PTR', grants: false }
      : refusal;
  }
  const host = OF_SERVICES.has(type) ? hostOfService(name) : name;
  const own = rules.judge(name);
  const verdict = own === 'none' ? rules.judge(host) : own;
  const mayAsk = verdict === 'allow' || (verdict === 'none' && others);
  if (!mayAsk) {
    // A resolver library's own next try, for a name that is allowed without it.
    const isTry = search.some(
      (domain) => name.endsWith(`.${domain}`) && rules.judge(name.slice(0, -domain.length - 1)) === 'allow',
    );
    return isTry ? { kind: 'answer', code: ResponseCode.nameError } : refusal;
  }
  if (type === undefined || type === 'PTR') return { kind: 'answer', code: ResponseCode.noError };
  return { kind: 'ask', name, type, grants: verdict === 'allow' };
}

/** The address whose name such a name asks for. */
function addressOfReverse(name: string): AddressBytes | undefined {
  const four = IPV4_REVERSE.exec(name)?.slice(1).map(Number);
  if (four !== undefined)
    return four.every((byte) => byte < 256) ? Uint8Array.from(four.toReversed()) : undefined;
  const nibbles = IPV6_REVERSE.exec(name)?.[1]?.split('.').slice(0, 32).toReversed();
  return nibbles && new Uint8Array(Buffer.from(nibbles.join(''), 'hex'));
}

export interface GivenAddress {
  readonly name: string;
  readonly address: AddressBytes;
  readonly timeToLive: number;
}

export type AnswerVerdict =
  | {
      readonly kind: 'pass';
      readonly records: readonly DnsRecord[];
      /** The addresses that names have from now on, for so many seconds: the name's own, and those that it stands for, as far as these are denied in part. */
      readonly given: readonly GivenAddress[];
      /** Addresses that are not of the internet, where no rule says that the name may point there. */
      readonly dropped: readonly AddressBytes[];
    }
  /** It leads to a name that is denied. */
  | { readonly kind: 'denied'; readonly name: string };

/** Of what a resolver says: the chain of other names that the name stands for, and what it asked for at its end. Nothing else. */
export function judgeAnswer(
  { name, type, grants }: Extract<LookUpVerdict, { kind: 'ask' }>,
  records: readonly DnsRecord[],
  rules: LookUpRules,
): AnswerVerdict {
  const chain = new Set([name]);
  const passed: DnsRecord[] = [];
  const given: GivenAddress[] = [];
  const dropped: AddressBytes[] = [];
  for (const record of inOrder(records)) {
    const { owner, data, timeToLive } = record;
    if (!chain.has(owner)) continue;
    if (data.type === 'CNAME') {
      if (chain.has(data.target)) continue;
      if (rules.judge(data.target) === 'deny') return { kind: 'denied', name: data.target };
      chain.add(data.target);
      passed.push(record);
    } else if (data.type === type) {
      if (data.type === 'A' || data.type === 'AAAA') {
        const { address } = data;
        if (grants && !rules.mayPointTo(name, address)) {
          dropped.push(address);
          continue;
        }
        for (const one of chain)
          if (one === name || (rules.denies(one) && rules.mayPointTo(one, address)))
            given.push({ name: one, address, timeToLive });
      }
      passed.push(record);
    }
  }
  return { kind: 'pass', records: passed, given, dropped };
}

/** The chain first: some resolvers mix their answers. */
function inOrder(records: readonly DnsRecord[]): readonly DnsRecord[] {
  const links = records.filter(({ data }) => data.type === 'CNAME');
  if (links.length < 2) return [...links, ...records.filter(({ data }) => data.type !== 'CNAME')];
  const byOwner = new Map(links.map((link) => [link.owner, link]));
  const targets = new Set(links.map(({ data }) => (data.type === 'CNAME' ? data.target : '')));
  const sorted: DnsRecord[] = [];
  for (const first of links.filter(({ owner }) => !targets.has(owner))) {
    for (let link: DnsRecord | undefined = first; link !== undefined;) {
      sorted.push(link);
      byOwner.delete(link.owner);
      link = link.data.type === 'CNAME' ? byOwner.get(link.data.target) : undefined;
    }
  }
  return [...sorted, ...records.filter(({ data }) => data.type !== 'CNAME')];
}
