/** What a watched command did, counted by path and address. Pure: events in, lessons out. */
import type { AddressBytes, PathBytes, Port } from '../../policy/policy.ts';
import { splitPath } from '../../policy/paths.ts';
import type { ReferralEvent, Reporter } from '../event.ts';
import { holdsSensitive } from '../sensitive.ts';

export interface CountedPath {
  readonly path: PathBytes;
  count: number;
}

export interface CountedEndpoint {
  readonly address: AddressBytes;
  readonly port: Port;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
  count: number;
}

export interface CountedSocket {
  readonly kind: 'unix-path' | 'unix-abstract';
  readonly name: Buffer;
  count: number;
}

/** A command that changes names without end does not fill memory. */
const MOST_ENTRIES = 20_000;
const SLASH = 0x2f;

/** Counts what is allowed. */
export class Lessons implements Reporter {
  readonly wantsAllowed = true;
  readonly #home: string | undefined;
  readonly #exists: (path: PathBytes) => boolean;
  readonly #paths = new Map<string, CountedPath>();
  readonly #endpoints = new Map<string, CountedEndpoint>();
  readonly #sockets = new Map<string, CountedSocket>();
  readonly #bound = new Set<string>();
  /** Calls that were not noted, as there were too many kinds. */
  lost = 0;
  /** Calls that are refused whatever a person allows. */
  refused = 0;

  /** @param exists asked about a path before the kernel makes or removes it */
  constructor(home: string | undefined, exists: (path: PathBytes) => boolean) {
    this.#home = home;
    this.#exists = exists;
  }

  get paths(): readonly CountedPath[] {
    return [...this.#paths.values()];
  }

  get endpoints(): readonly CountedEndpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Those that the command did not bind itself. */
  get sockets(): readonly CountedSocket[] {
    return [...this.#sockets.values()].filter(({ name }) => !this.#bound.has(name.toString('latin1')));
  }

  report(event: ReferralEvent): void {
    if (event.verdict === 'refused') {
      this.refused += 1;
      return;
    }
    if (event.errno !== 0 || this.#willFail(event)) return;
    const { object, operation } = event;
    switch (object.kind) {
      case 'path':
        this.#notePath(
          operation === 'write' || operation === 'change' ? object.path : this.#place(object.path),
        );
        break;
      case 'paths':
        this.#notePath(this.#place(object.from));
        this.#notePath(this.#place(object.to));
        break;
      case 'address': {
        const { kind, ...endpoint } = object;
        const { address, port, protocol } = endpoint;
        note(this, this.#endpoints, `${kind} ${protocol} ${port} ${address.join('.')}`, endpoint);
        break;
      }
      case 'unix-path':
        if (operation === 'bind') {
          this.#bound.add(object.path.toString('latin1'));
          this.#notePath(this.#place(object.path));
        } else this.#noteSocket('unix-path', object.path);
        break;
      case 'unix-abstract':
        this.#noteSocket('unix-abstract', object.name);
        break;
      case 'process':
      case 'none':
        break;
    }
  }

  /** `mkdir -p` tries every directory on its way, and `rm -f` what is not there: the kernel changes nothing then. */
  #willFail({ object, operation, layer, call }: ReferralEvent): boolean {
    if (layer !== 'landlock' || object.kind !== 'path') return false;
    if (operation === 'remove') return !this.#exists(object.path);
    return (
      operation === 'create' && !call.startsWith('open') && call !== 'creat' && this.#exists(object.path)
    );
  }

  /** Names come and go: the directory is what has to be writable, unless it holds what must not be. */
  #place(path: PathBytes): PathBytes {
    const { parent } = splitPath(path);
    return parent.length <= 1 || holdsSensitive(parent, this.#home) ? path : parent;
  }

  #notePath(path: PathBytes): void {
    // Pipes and nameless things have no place.
    if (path[0] === SLASH) note(this, this.#paths, path.toString('latin1'), { path });
  }

  #noteSocket(kind: CountedSocket['kind'], name: Buffer): void {
    note(this, this.#sockets, `${kind} ${name.toString('latin1')}`, { kind, name });
  }
}

function note<Item extends { count: number }>(
  lessons: Lessons,
  items: Map<string, Item>,
  key: string,
  item: Omit<Item, 'count'>,
): void {
  const known = items.get(key);
  if (known) known.count += 1;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an item is what was given, and its count
  else if (items.size < MOST_ENTRIES) items.set(key, { ...item, count: 1 } as Item);
  else lessons.lost += 1;
}
