/** Whether a policy speaks of hosts by their names. */
import type { ListedDestinations, NetworkPolicy, Policy } from './policy.ts';

export function judgesNames(policy: NetworkPolicy | undefined): policy is ListedDestinations {
  return policy?.kind === 'listed' && policy.rules?.some(({ to }) => to.kind === 'host') === true;
}

/** What names are looked up by, in the place of resolvers. Undefined: resolvers are asked as they are. */
export function namesPolicy({
  network,
  watchedNames,
}: Pick<Policy, 'network' | 'watchedNames'>): ListedDestinations | undefined {
  return judgesNames(network) ? network : watchedNames;
}
