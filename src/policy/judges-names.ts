/** Whether a policy speaks of hosts by their names. */
import type { ListedDestinations, NetworkPolicy } from './policy.ts';

export function judgesNames(policy: NetworkPolicy | undefined): policy is ListedDestinations {
  return policy?.kind === 'listed' && policy.rules?.some(({ to }) => to.kind === 'host') === true;
}
