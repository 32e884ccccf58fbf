/** What a watched command did, counted by path and address: events in, lessons out. */
import { asksForSource } from '../../judge/destination.ts';
import { OWN_TERMINAL } from '../../judge/files.ts';
import { OWN_PORT } from '../../judge/network.ts';
import { OWN_SOCKET } from '../../judge/unix-sockets.ts';
import type { AddressBytes, PathBytes, Port } from '../../policy/policy.ts';
import { splitPath } from '../../policy/paths.ts';
import type { NewEntry, Operation, Outcome, OutcomeListener, ReferralEvent, Reporter } from '../event.ts';
import { hasName } from '../advice.ts';
import { isMadeUp } from '../made-up-names.ts';
import { type Homes, sensitivity } from '../sensitive.ts';
import { OwnNames } from './own-names.ts';

export interface CountedPath {
  readonly path: PathBytes;
  count: number;
  /** Nobody saw whether the calls succeeded. */
  readonly isUncertain?: boolean;
  /** Why it is not to be opened lightly, besides what its own name says. */
  readonly warning?: string | undefined;
}

export interface CountedEndpoint {
  readonly address: AddressBytes;
  readonly port: Port;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
  /** Connected to learn from which address one would send; nothing was sent to that port. */
  readonly isQuestion: boolean;
  /** What the address was given out for, as far as that was seen. */
  readonly names: readonly string[];
  count: number;
}

export interface CountedName {
  /** Lower case. */
  readonly name: string;
  /** All that the answers said. */
  readonly addresses: readonly AddressBytes[];
  count: number;
}

export interface CountedSocket {
  readonly kind: 'unix-path' | 'unix-abstract';
  readonly name: Buffer;
  count: number;
}

/** A command that changes names without end, or makes them without end longer, does not fill memory. */
const MOST_ENTRIES = 20_000;
const MOST_BYTES = 4_194_304;
const MOST_COMPONENTS = 128;
const MOST_THREADS = 1000;
/** Of one name. */
const MOST_ADDRESSES = 64;

/** Places of which it is not noted which file was read. */
export interface ReadPlaces {
  /** What programs need to run at all. */
  isSystem(path: PathBytes): boolean;
  /** The working directory. */
  isHere(path: PathBytes): boolean;
}

const NOWHERE: ReadPlaces = { isSystem: () => false, isHere: () => false };
const EXECUTING_PATTERN = /^execve/;
const SLASH = 0x2f;

/** What becomes of the first name and of the second. */
const OF_RENAME = ['remove', 'create'] as const;
const OF_LINK = ['change', 'create'] as const;

/** Counts what was allowed and came about. */
export class Lessons implements Reporter, OutcomeListener {
  readonly wantsAllowed = true;
  readonly outcomes = this;
  readonly #homes: Homes;
  readonly #paths = new Map<string, CountedPath>();
  readonly #endpoints = new Map<string, CountedEndpoint>();
  readonly #names = new Map<string, CountedName & { readonly addresses: AddressBytes[] }>();
  readonly #sockets = new Map<string, CountedSocket>();
  readonly #bound = new Set<string>();
  readonly #own = new OwnNames();
  /** Names that the next run makes up anew, in places that are not open as a whole. Bytes as characters (latin1). */
  readonly #passing = new Set<string>();
  /** What threads are about to do, by their ids. */
  readonly #begun = new Map<number, ReferralEvent[]>();
  readonly #reads = new Map<string, CountedPath>();
  readonly #executed = new Set<string>();
  readonly #places: ReadPlaces;
  /** Reads in what every program needs, and in the working directory. */
  readonly readsIn = { system: 0, here: 0 };
  #bytes = 0;
  /** Calls that were not noted, as there were too many kinds. */
  lost = 0;
  /** Calls that are refused whatever a person allows. */
  refused = 0;
  /** Calls on sockets of families and protocols that every restriction of the network closes. */
  otherFamilies = 0;

  constructor(homes: Homes, places: ReadPlaces = NOWHERE) {
    this.#homes = homes;
    this.#places = places;
  }

  /** What was opened for reading, executed, or asked where it leads, elsewhere. */
  get reads(): readonly CountedPath[] {
    return [...this.#reads.values()];
  }

  /** Files that were executed, wherever they lie. */
  get executed(): readonly PathBytes[] {
    return Array.from(this.#executed, (text) => Buffer.from(text, 'latin1'));
  }

  /** A path that was read, or would be. */
  noteRead(path: PathBytes, tid = 0): void {
    if (path[0] !== SLASH) return;
    if (this.#places.isSystem(path)) this.readsIn.system += 1;
    else if (this.#places.isHere(path)) this.readsIn.here += 1;
    // Under --own-tmp what it has made itself is its own to read too.
    else if (!this.#own.has(path)) {
      const lasting = this.#lasting(path);
      const place = lasting === path && isMadeUp(path, tid) ? splitPath(path).parent : lasting;
      if (hasName(place)) this.#count(this.#reads, `< ${place.toString('latin1')}`, { path: place });
    }
  }

  get paths(): readonly CountedPath[] {
    return [...this.#paths.values()];
  }

  get endpoints(): readonly CountedEndpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Those that were looked up and found. */
  get names(): readonly CountedName[] {
    return [...this.#names.values()];
  }

  /** How often something was made, or what had been made was changed, in directories for temporary files. */
  get ownTemporary(): number {
    return this.#own.count;
  }

  /** Those that the command did not bind itself. */
  get sockets(): readonly CountedSocket[] {
    return [...this.#sockets.values()].filter(({ name }) => !this.#bound.has(name.toString('latin1')));
  }

  report(event: ReferralEvent): void {
    // An answer comes at any time; what asked for it was a call before.
    if (event.object.kind === 'host') return this.#noteName(event.object.name, event.object.addresses);
    if (event.verdict === 'refused') {
      this.refused += 1;
      return;
    }
    // Allowed under every policy, and its name or number means nothing by the next time.
    if (event.rule === OWN_TERMINAL || event.rule === OWN_SOCKET) return;
    if (event.errno === 0) this.#begun.get(event.tid)?.push(event);
  }

  begin(tid: number): void {
    // Threads that were killed while they waited stay behind.
    for (const [oldest] of this.#begun) {
      if (this.#begun.size < MOST_THREADS) break;
      this.#begun.delete(oldest);
      this.lost += 1;
    }
    this.#begun.set(tid, []);
  }

  /** What fails is no lesson, and what may have failed is one that a person has to look at. */
  end(tid: number, outcome: Outcome): void {
    const events = this.#begun.get(tid) ?? [];
    this.#begun.delete(tid);
    if (outcome === 'failed') return;
    if (outcome === 'last-failed') events.pop();
    for (const event of events) this.#note(event, outcome === 'unknown');
  }

  #note({ object, operation, rule, tid, call }: ReferralEvent, isUncertain: boolean): void {
    // Reached under every policy.
    if (rule === OWN_PORT) return;
    if (operation === 'read') {
      if (object.kind !== 'path') return;
      if (EXECUTING_PATTERN.test(call) && this.#executed.size < MOST_ENTRIES)
        this.#executed.add(object.path.toString('latin1'));
      this.noteRead(object.path, tid);
      return;
    }
    switch (object.kind) {
      case 'path': {
        const { path } = object;
        if (this.#isOwn(path, operation, isUncertain)) break;
        this.#notePath(
          operation === 'write' || operation === 'change'
            ? this.#lasting(path)
            : this.#place(path, tid, object.entry),
          isUncertain,
        );
        break;
      }
      case 'paths': {
        const [before, after] = operation === 'link' ? OF_LINK : OF_RENAME;
        if (!this.#isOwn(object.from, before, isUncertain))
          this.#notePath(this.#place(object.from, tid), isUncertain);
        if (!this.#isOwn(object.to, after, isUncertain))
          this.#notePath(this.#place(object.to, tid, object.entry), isUncertain);
        break;
      }
      case 'address': {
        const { address, port, protocol } = object;
        const isQuestion = operation === 'connect' && asksForSource(protocol, port);
        const names = (object.names ?? []).filter((name) => this.#names.has(name));
        const key = `${isQuestion ? '?' : '='} ${protocol} ${port} ${address.join('.')} ${names.join(' ')}`;
        this.#count(this.#endpoints, key, { address, port, protocol, isQuestion, names });
        break;
      }
      case 'unix-path':
        if (operation === 'bind') {
          if (this.#bound.size < MOST_ENTRIES) this.#bound.add(object.path.toString('latin1'));
          if (!this.#isOwn(object.path, 'create', isUncertain))
            this.#notePath(this.#place(object.path, tid), isUncertain);
        } else this.#noteSocket('unix-path', object.path);
        break;
      case 'unix-abstract':
        this.#noteSocket('unix-abstract', object.name);
        break;
      case 'host':
      case 'process':
        break;
      case 'none':
        if (operation === 'connect' || operation === 'send') this.otherFamilies += 1;
        break;
    }
  }

  /** What may have failed is for a person to look at, wherever it was. */
  #isOwn(path: PathBytes, operation: Operation, isUncertain: boolean): boolean {
    if (isUncertain || this.#isSensitive(path)) return false;
    if (operation === 'create') return this.#own.made(path);
    return operation === 'remove' ? this.#own.removed(path) : this.#own.changed(path);
  }

  /**
   * Names come and go: the directory is what has to be writable, unless it is more than that. Then a person has to decide about it
   * where the name is another one the next time, or cannot be given.
   */
  #place(path: PathBytes, tid: number, entry?: NewEntry): PathBytes {
    const lasting = this.#lasting(path);
    const { parent } = splitPath(lasting);
    if (lasting !== path || this.#isSensitive(path)) return lasting;
    if (parent.length > 1 && !this.#isSensitive(parent)) return parent;
    if (entry !== 'link' && !isMadeUp(path, tid, entry === 'exclusive')) return path;
    if (this.#passing.size < MOST_ENTRIES) this.#passing.add(path.toString('latin1'));
    return parent;
  }

  /** Of what lies at a name that was made up, or below it, the directory where that was made; else the path itself. */
  #lasting(path: PathBytes): PathBytes {
    if (this.#passing.size === 0) return path;
    const text = path.toString('latin1');
    for (let end = text.length; end > 0; end = text.lastIndexOf('/', end - 1))
      if (this.#passing.has(text.slice(0, end))) return splitPath(path.subarray(0, end)).parent;
    return path;
  }

  #isSensitive(path: PathBytes): boolean {
    return sensitivity({ kind: 'path', path }, this.#homes) !== undefined;
  }

  #notePath(path: PathBytes, isUncertain: boolean): void {
    if (!hasName(path)) return;
    const text = path.toString('latin1');
    if (text.split('/', MOST_COMPONENTS + 2).length > MOST_COMPONENTS + 1) this.lost += 1;
    else this.#count(this.#paths, isUncertain ? `? ${text}` : text, { path, isUncertain });
  }

  #noteName(name: string, addresses: readonly AddressBytes[] = []): void {
    this.#count(this.#names, name, { name, addresses: [] });
    const known = this.#names.get(name)?.addresses;
    for (const address of addresses)
      if (known && known.length < MOST_ADDRESSES && !known.some((one) => Buffer.compare(one, address) === 0))
        known.push(address);
  }

  #noteSocket(kind: CountedSocket['kind'], name: Buffer): void {
    this.#count(this.#sockets, `${kind} ${name.toString('latin1')}`, { kind, name });
  }

  #count<Item extends { count: number }>(
    items: Map<string, Item>,
    key: string,
    item: Omit<Item, 'count'>,
  ): void {
    const known = items.get(key);
    if (known) {
      known.count += 1;
    } else if (items.size < MOST_ENTRIES && this.#bytes + key.length <= MOST_BYTES) {
      this.#bytes += key.length;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an item is what was given, and its count
      items.set(key, { ...item, count: 1 } as Item);
    } else this.lost += 1;
  }
}
