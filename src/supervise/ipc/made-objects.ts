/** Which System V objects the sandbox made, known by their ids and by what the kernel says of them at the moment. */
import { type SystemVKind, type SystemVObject, systemVObject } from '../../linux/system-v.ts';

/** Beyond these the oldest are forgotten, which closes them. */
const MOST_KNOWN = 100_000;

/** Which sandbox of this process made the latest object with an id: a new one makes those with it before it nobody's. */
const makers = { shm: new Map(), sem: new Map(), msg: new Map() } as const satisfies Record<
  SystemVKind,
  Map<number, MadeObjects>
>;

const KINDS = ['shm', 'sem', 'msg'] as const satisfies readonly SystemVKind[];

/** Those of one sandbox. */
export class MadeObjects {
  readonly #known = { shm: new Map(), sem: new Map(), msg: new Map() } as const satisfies Record<
    SystemVKind,
    Map<number, SystemVObject>
  >;

  /** Remembers an object that has just been made for this sandbox. */
  add(kind: SystemVKind, id: number): void {
    const object = systemVObject(kind, id);
    const known = this.#of(kind);
    known.delete(id);
    makersOf(kind).delete(id);
    if (object === undefined) return;
    known.set(id, object);
    makersOf(kind).set(id, this);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      this.forget(kind, oldest);
    }
  }

  /** True for an object that was made inside and is still that one. */
  has(kind: SystemVKind, id: number): boolean {
    const known = this.#of(kind);
    const made = known.get(id);
    if (made === undefined) return false;
    const now = makersOf(kind).get(id) === this ? systemVObject(kind, id) : undefined;
    if (now !== undefined && isSame(kind, made, now)) return true;
    this.forget(kind, id);
    return false;
  }

  forget(kind: SystemVKind, id: number): void {
    this.#of(kind).delete(id);
    if (makersOf(kind).get(id) === this) makersOf(kind).delete(id);
  }

  /** The sandbox is over: what it made is nobody's. */
  release(): void {
    for (const kind of KINDS) for (const id of this.#of(kind).keys()) this.forget(kind, id);
  }

  #of(kind: SystemVKind): Map<number, SystemVObject> {
    return this.#known[kind];
  }
}

function makersOf(kind: SystemVKind): Map<number, MadeObjects> {
  return makers[kind];
}

function isSame(kind: SystemVKind, made: SystemVObject, now: SystemVObject): boolean {
  return (
    now.creatorUser === made.creatorUser &&
    now.creatorGroup === made.creatorGroup &&
    now.creatorProcess === made.creatorProcess &&
    // Shared memory that is removed while somebody has it attached lives on without a key.
    (now.key === made.key || (kind === 'shm' && now.key === 0))
  );
}
