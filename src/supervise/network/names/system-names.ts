/** The names of one sandbox: its stubs, one for each resolver of the system's that it asks, and what they have given out. */
import { readFileSync } from 'node:fs';
import { Errno } from '../../../linux/errno.ts';
import { isOwnAddress, socketAddress } from '../../../linux/internet-sockets.ts';
import { internetAddressOf, needsInterface, type InternetDestination } from '../../../judge/destination.ts';
import { LookUpRules } from '../../../judge/names/look-up-rules.ts';
import { NameTable } from '../../../judge/names/name-table.ts';
import { ASTRAY, OUTSIDE_HOSTS, type LookUpPolicy } from '../../../judge/names/look-up.ts';
import type { AddressBytes, Endpoint } from '../../../policy/addresses.ts';
import { formatAddress } from '../../../policy/address-text.ts';
import { hostsOf } from '../../../policy/hosts-file.ts';
import { searchDomains } from '../../../policy/resolv-conf.ts';
import { parseResolvers } from '../../../policy/resolvers.ts';
import type { ReferralEvent, Reporter } from '../../../report/event.ts';
import type { LedThread, NameService, NameServiceOf } from './name-service.ts';
import { OwnTurn } from './own-turn.ts';
import { Stub, type Refusal } from './stub.ts';

const DNS_PORT = 53;
const SUCCESS = 0;
/** Beyond this the oldest are forgotten, and no longer answered. */
const MOST_CLIENTS = 4096;
/** Resolvers of a file without end are not all asked. */
const MOST_STUBS = 8;

export class SystemNames implements NameService {
  readonly known = new NameTable();
  readonly allowsNames: boolean;
  readonly #clients = new Map<bigint, LedThread>();
  readonly #stubs = new Map<string, Stub | undefined>();
  readonly #resolvers: readonly Endpoint[];
  readonly #places = new Map<string, Endpoint>();
  readonly #lookUps: LookUpPolicy;
  readonly #of: NameServiceOf;
  #turn: OwnTurn | undefined;

  /** Reads the files of the system as they are now: what changes in them later, which a command of root's could do, does not count. */
  constructor(of: NameServiceOf) {
    const { policy } = of;
    this.#of = of;
    const resolvConf = textOf('/etc/resolv.conf');
    this.#resolvers = parseResolvers(resolvConf);
    const rules = new LookUpRules(policy.rules ?? [], policy.networks);
    this.allowsNames = rules.allowsNames;
    const areAllowed = this.#resolvers.some((one) => policy.endpoints.some((other) => isSame(one, other)));
    this.#lookUps = {
      rules,
      known: this.known,
      others: !rules.allowsNames || areAllowed,
      search: searchDomains(resolvConf),
    };
    for (const { name, address } of hostsOf(textOf('/etc/hosts')))
      if (rules.judge(name) !== 'none' && rules.mayBeOfFile(name, address))
        this.known.note(name, address, Infinity);
  }

  isResolver({ address, port }: InternetDestination): boolean {
    return port === DNS_PORT && this.#resolvers.some((one) => isSame(one, { address, port }));
  }

  lead(destination: InternetDestination, cookie: bigint, thread: LedThread): Buffer | undefined {
    const stub = this.#stubFor(destination);
    if (stub === undefined) return undefined;
    this.#clients.delete(cookie);
    this.#clients.set(cookie, thread);
    for (const oldest of this.#clients.keys()) {
      if (this.#clients.size <= MOST_CLIENTS) break;
      this.#clients.delete(oldest);
    }
    if (destination.protocol !== 'tcp') return stub.datagramAddress;
    stub.listen();
    return stub.streamAddress;
  }

  isResolverOfThisHost(address: Buffer): boolean {
    // Whatever the family says: the kernel takes some for others.
    if (address.length < 4 || address.readUInt16BE(2) !== DNS_PORT) return false;
    const host = internetAddressOf(address)?.address;
    const isAny = host === undefined || host.every((byte) => byte === 0);
    // From any address a message can be sent that bears another one of this host's (ip(7), IP_PKTINFO).
    return this.#resolvers.some(
      (one) => (isAny || host.length === one.address.length) && isOwnAddress(one.address),
    );
  }

  get hasLed(): boolean {
    return this.#clients.size > 0;
  }

  isLed(cookie: bigint): boolean {
    return this.#clients.has(cookie);
  }

  resolverAt(address: AddressBytes, port: number): Endpoint | undefined {
    return this.#places.get(placeKey(address, port));
  }

  release(): void {
    for (const stub of this.#stubs.values()) stub?.release();
    this.#stubs.clear();
    this.#clients.clear();
    this.#turn?.release();
    this.#turn = undefined;
  }

  #stubFor({ address, port, scope }: InternetDestination): Stub | undefined {
    const interfaceNumber = needsInterface(address) ? scope : 0;
    const key = `${formatAddress(address)} ${interfaceNumber}`;
    const made = this.#stubs.get(key);
    if (made !== undefined || this.#stubs.has(key)) return made;
    if (this.#stubs.size >= MOST_STUBS) return undefined;
    this.#turn ??= new OwnTurn(this.#of.watching, (error) => this.#fail(error));
    const stub = Stub.make(
      {
        watching: this.#turn,
        policy: this.#lookUps,
        isClient: (cookie) => this.#clients.has(cookie),
        given: (name, to, timeToLive) => this.known.note(name, to, timeToLive),
        found: (name, cookie, addresses) => this.#tellFound(name, cookie, addresses),
        refused: (name, cookie, why) => this.#tellRefused(name, cookie, why),
      },
      socketAddress(address, port, interfaceNumber),
    );
    this.#stubs.set(key, stub);
    for (const own of stub === undefined ? [] : [stub.datagramAddress, stub.streamAddress]) {
      const place = internetAddressOf(own);
      if (place !== undefined)
        this.#places.set(placeKey(place.address, place.port), { address: Uint8Array.from(address), port });
    }
    return stub;
  }

  /** A fault of ours ends the look-ups of this sandbox, and nothing else that the loop has to do. */
  #fail(error: unknown): void {
    for (const [key, stub] of this.#stubs) {
      stub?.release();
      this.#stubs.set(key, undefined);
    }
    const what = error instanceof Error ? error.message : String(error);
    const rule = `a fault of secfilt's own: ${what}`;
    this.#tell(undefined, { object: { kind: 'none' }, verdict: 'refused', errno: Errno.ENOENT, rule });
  }

  #tellFound(name: string, cookie: bigint, addresses: readonly AddressBytes[]): void {
    if (!this.#reporter.wantsAllowed) return;
    const object = { kind: 'host', name, addresses } as const;
    this.#tell(cookie, { object, verdict: 'allowed', errno: SUCCESS, rule: 'allowed name' });
  }

  #tellRefused(name: string, cookie: bigint, why: Refusal): void {
    const rule = ruleOf(why, this.#lookUps.rules.judge(name) === 'deny');
    this.#tell(cookie, { object: { kind: 'host', name }, verdict: 'refused', errno: Errno.ENOENT, rule });
  }

  #tell(
    cookie: bigint | undefined,
    event: Pick<ReferralEvent, 'object' | 'verdict' | 'errno' | 'rule'>,
  ): void {
    const { tid, call } = (cookie === undefined ? undefined : this.#clients.get(cookie)) ?? {
      tid: 0,
      call: 'connect',
    };
    this.#reporter.report({
      time: Date.now(),
      tid,
      call,
      operation: 'look-up',
      layer: 'supervisor',
      ...event,
    });
  }

  get #reporter(): Reporter {
    return this.#of.reporter;
  }
}

function ruleOf(why: Refusal, isDenied: boolean): string {
  switch (why.kind) {
    case 'name':
      return isDenied ? 'denied by --denied-hosts' : OUTSIDE_HOSTS;
    case 'denied':
      return `it stands for ${why.name}, which --denied-hosts denies`;
    case 'address':
      return `${ASTRAY}${formatAddress(why.address)}`;
  }
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.port === other.port && Buffer.compare(one.address, other.address) === 0;
}

function placeKey(address: AddressBytes, port: number): string {
  return `${formatAddress(address)} ${port}`;
}

/** A file that cannot be read says nothing. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
