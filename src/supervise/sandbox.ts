/** The handlers of one sandbox, with all that its plan makes them depend on. Every engine has the same. */
import { ListenRules } from '../judge/listening.ts';
import { NetworkRules } from '../judge/network.ts';
import { PathSet, type WritablePath } from '../judge/path-set.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import type { ReadingRules } from '../judge/reading.ts';
import type { Plan } from '../plan/plan.ts';
import type { Endpoint, NetworkPolicy, PathBytes } from '../policy/policy.ts';
import type { Reporter } from '../report/event.ts';
import { lastingFileRules } from './file-rules.ts';
import { askingHandlers, type Asker, type Granted, type HandlerMaker } from './asking.ts';
import { Credentials } from './target/credentials.ts';
import { DescriptorTables } from './target/descriptor-tables.ts';
import { MadeFiles } from './files/made-files.ts';
import { PseudoTerminals } from './files/pseudo-terminals.ts';
import { Terminals } from './files/terminals.ts';
import { makeHandlers, type Handler } from './handlers.ts';
import { MadeObjects } from './ipc/made-objects.ts';
import { MadeQueues } from './ipc/made-queues.ts';
import type { Members } from './target/members.ts';
import { InnerDomains } from './target/inner-domains.ts';
import { BoundSockets } from './network/bound-sockets.ts';
import { namesPolicy } from '../policy/judges-names.ts';
import { makeNameService } from './network/names/load-names.ts';
import type { NameService } from './network/names/name-service.ts';
import type { Watching } from './network/names/watching.ts';
import type { PendingCalls } from './pending.ts';

/** What tells one sandbox from another. */
export interface SandboxOf {
  readonly plan: Plan;
  readonly identity: {
    /** What the credentials of a target are that may do no less than we do (`TargetStatus`). */
    readonly credentials: string;
    readonly userId: number;
  };
  readonly reporter: Reporter;
  /** Asked about what no rule allows. Undefined: it is refused. */
  readonly ask?: Asker | undefined;
}

/** What the sandbox has at the start. */
export interface SandboxStart {
  /** The allowed paths, with what holds them in the kernel. */
  readonly writable: readonly WritablePath[];
  /** The places that Landlock allows to be read, where it decides that again. */
  readonly readable?: readonly WritablePath[];
  readonly pending: PendingCalls;
  readonly members: Members;
  /** Our own descriptors of the standard streams that it is given; not kept. */
  readonly streams: readonly number[];
  /** The loop that the supervisor's own descriptors are watched in; needed where names are judged. */
  readonly watching?: Watching | undefined;
}

const NOTHING: Granted = { paths: [], reads: [], pairs: [], endpoints: [], unixSockets: [] };

/** That one thing: what is asked about is not what lies in it. */
function granted(path: PathBytes): WritablePath {
  return { path, backing: { kind: 'none' }, alone: true };
}

function nameService(
  { policy: given }: Plan,
  { watching }: SandboxStart,
  reporter: Reporter,
): NameService | undefined {
  const policy = namesPolicy(given);
  if (policy === undefined) return undefined;
  if (watching === undefined) throw new Error('nobody watches for answers');
  return makeNameService({ policy, watching, reporter });
}

function withReads(rules: ReadingRules, paths: readonly PathBytes[]): ReadingRules {
  if (paths.length === 0) return rules;
  return { ...rules, granted: new Set(paths.map((path) => path.toString('latin1'))) };
}

function withEndpoints(
  policy: NetworkPolicy | undefined,
  endpoints: readonly Endpoint[],
): NetworkPolicy | undefined {
  if (endpoints.length === 0 || policy === undefined || policy.kind === 'families') return policy;
  const listed = policy.kind === 'listed' ? policy : { networks: [], ports: undefined, endpoints: [] };
  return { kind: 'listed', ...listed, endpoints: [...listed.endpoints, ...endpoints] };
}

/** All that is one sandbox's own, and is gone with it. */
export class Sandbox {
  readonly handlers: ReadonlyMap<number, Handler>;
  readonly #made = new MadeFiles();
  readonly #objects = new MadeObjects();
  readonly #queues = new MadeQueues();
  readonly #bound = new BoundSockets();
  readonly #pseudoTerminals = new PseudoTerminals();
  readonly #terminals: Terminals;
  readonly #pending: PendingCalls;
  readonly #names: NameService | undefined;
  readonly #releases: (() => void)[] = [];

  constructor(of: SandboxOf, start: SandboxStart) {
    const { plan, reporter, ask } = of;
    const { pending } = start;
    this.#terminals = Terminals.among(plan.policy.files === undefined ? [] : start.streams);
    this.#pending = pending;
    this.#names = nameService(plan, start, reporter);
    const make = this.#maker(of, start);
    this.handlers = ask === undefined ? make(reporter) : askingHandlers({ make, reporter, ask, pending });
  }

  /** All handlers that it makes have the same to go by but for what is granted. */
  #maker({ plan, identity }: SandboxOf, start: SandboxStart): HandlerMaker {
    const { writable, pending, members } = start;
    const { policy } = plan;
    const lasting = {
      made: this.#made,
      objects: this.#objects,
      queues: this.#queues,
      pending,
      names: this.#names,
      bound: this.#bound,
      terminals: this.#terminals,
      pseudoTerminals: this.#pseudoTerminals,
      innerDomains: new InnerDomains(),
      credentials: new Credentials(identity.credentials),
      userId: identity.userId,
      members,
      withoutCores: plan.situation.withoutCores,
      descriptorTables: new DescriptorTables(),
      atEnd: (release: () => void) => this.#releases.push(release),
    };
    const rules = lastingFileRules(plan, start.readable ?? [], this.#made);
    const writableWith = (paths: readonly PathBytes[]): PathSet =>
      new PathSet([...writable, ...paths.map(granted)], plan.interfaces);
    return (reporter, more = NOTHING) =>
      makeHandlers({
        ...lasting,
        reporter,
        network: new NetworkRules(withEndpoints(policy.network, more.endpoints), this.#names?.known),
        listening: new ListenRules(policy.listen),
        unix: new UnixRules([...policy.unixSockets, ...more.unixSockets], policy.anyUnixSocket),
        files: {
          ...rules,
          reading: rules.reading && withReads(rules.reading, more.reads),
          writable: writableWith(more.paths),
          pairs: more.pairs.map(({ from, to }) => ({ from, to, writable: writableWith([from, to]) })),
          // Landlock knows of nothing that is granted later.
          landlock: plan.landlock !== undefined && more === NOTHING,
        },
      });
  }

  /** Lets go of all that is held for it, once nobody is left in it. */
  release(): void {
    this.#pending.drop();
    this.#names?.release();
    this.#made.release();
    this.#objects.release();
    this.#queues.release();
    this.#bound.release();
    this.#pseudoTerminals.release();
    this.#terminals.release();
    for (const release of this.#releases.splice(0)) release();
  }
}
