/** The handlers of one sandbox, with all that its plan makes them depend on. Every engine has the same. */
import { DeniedPlaces } from '../judge/denied-places.ts';
import { OwnDirectories } from '../judge/own-directories.ts';
import { NetworkRules } from '../judge/network.ts';
import { PathSet, type WritablePath } from '../judge/path-set.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import type { Plan } from '../plan/plan.ts';
import type { Reporter } from '../report/event.ts';
import { Credentials } from './target/credentials.ts';
import { DescriptorTables } from './target/descriptor-tables.ts';
import { MadeFiles } from './files/made-files.ts';
import { PseudoTerminals } from './files/pseudo-terminals.ts';
import { Terminals } from './files/terminals.ts';
import { endWaiting } from './files/waiting-open.ts';
import { makeHandlers, type Handler } from './handlers.ts';
import { MadeObjects } from './ipc/made-objects.ts';
import { MadeQueues } from './ipc/made-queues.ts';
import type { Members } from './target/members.ts';
import { BoundSockets } from './network/bound-sockets.ts';
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
}

/** What the sandbox has at the start. */
export interface SandboxStart {
  /** The allowed paths, with what holds them in the kernel. */
  readonly writable: readonly WritablePath[];
  readonly pending: PendingCalls;
  readonly members: Members;
  /** Our own descriptors of the standard streams that it is given; not kept. */
  readonly streams: readonly number[];
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

  constructor(
    { plan, identity, reporter }: SandboxOf,
    { writable, pending, members, streams }: SandboxStart,
  ) {
    this.#terminals = Terminals.among(plan.policy.files === undefined ? [] : streams);
    this.#pending = pending;
    this.handlers = makeHandlers({
      made: this.#made,
      objects: this.#objects,
      queues: this.#queues,
      pending,
      network: new NetworkRules(plan.policy.network),
      unix: new UnixRules(plan.policy.unixSockets, plan.policy.anyUnixSocket),
      bound: this.#bound,
      terminals: this.#terminals,
      pseudoTerminals: this.#pseudoTerminals,
      reporter,
      credentials: new Credentials(identity.credentials),
      userId: identity.userId,
      members,
      withoutCores: plan.situation.withoutCores,
      descriptorTables: new DescriptorTables(),
      files: {
        restricted: plan.policy.files !== undefined,
        writable: new PathSet(writable, plan.interfaces),
        own: new OwnDirectories(plan.own, this.#made, plan.interfaces),
        denied: new DeniedPlaces(plan.denied),
        interfaces: new DeniedPlaces(plan.interfaces),
        landlock: plan.landlock !== undefined,
        supervisor: process.pid,
      },
    });
  }

  /** Lets go of all that is held for it, once nobody is left in it. */
  release(): void {
    endWaiting(this.#pending);
    this.#made.release();
    this.#objects.release();
    this.#queues.release();
    this.#bound.release();
    this.#pseudoTerminals.release();
    this.#terminals.release();
  }
}
