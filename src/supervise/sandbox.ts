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
import { makeHandlers, type Handler } from './handlers.ts';
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

/** @param writable the allowed paths, with what holds them in the kernel */
export function sandboxHandlers(
  { plan, identity, reporter }: SandboxOf,
  writable: readonly WritablePath[],
  pending: PendingCalls,
  members: Members,
): ReadonlyMap<number, Handler> {
  const made = new MadeFiles();
  return makeHandlers({
    made,
    pending,
    network: new NetworkRules(plan.policy.network),
    unix: new UnixRules(plan.policy.unixSockets, plan.policy.anyUnixSocket),
    bound: new BoundSockets(),
    reporter,
    credentials: new Credentials(identity.credentials),
    userId: identity.userId,
    members,
    withoutCores: plan.situation.withoutCores,
    descriptorTables: new DescriptorTables(),
    files: {
      restricted: plan.policy.files !== undefined,
      writable: new PathSet(writable, plan.interfaces),
      own: new OwnDirectories(plan.own, made, plan.interfaces),
      denied: new DeniedPlaces(plan.denied),
      interfaces: new DeniedPlaces(plan.interfaces),
      landlock: plan.landlock !== undefined,
      supervisor: process.pid,
    },
  });
}
