/** The handlers of one sandbox, with all that its plan makes them depend on. Every engine has the same. */
import { DeniedPlaces } from '../judge/denied-places.ts';
import { NetworkRules } from '../judge/network.ts';
import { PathSet } from '../judge/path-set.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import { Credentials } from './credentials.ts';
import { DescriptorTables } from './descriptor-tables.ts';
import { makeHandlers, type Handler } from './handlers.ts';
import type { Members } from './members.ts';
import { BoundSockets } from './network/bound-sockets.ts';
import type { EngineRun } from './notify-engine.ts';
import type { PendingCalls } from './pending.ts';
import type { Ruleset } from './ruleset.ts';

export function sandboxHandlers(
  run: EngineRun,
  ruleset: Ruleset,
  pending: PendingCalls,
  members: Members,
): ReadonlyMap<number, Handler> {
  const { plan, identity } = run;
  return makeHandlers({
    pending,
    network: new NetworkRules(plan.policy.network),
    unix: new UnixRules(plan.policy.unixSockets, plan.policy.anyUnixSocket),
    bound: new BoundSockets(),
    reporter: run.reporter,
    credentials: new Credentials(identity.credentials),
    userId: identity.userId,
    members,
    descriptorTables: new DescriptorTables(),
    files: {
      restricted: plan.policy.files !== undefined,
      writable: new PathSet(ruleset.writable, plan.interfaces),
      denied: new DeniedPlaces(plan.denied),
      landlock: plan.landlock !== undefined,
      supervisor: process.pid,
    },
  });
}
