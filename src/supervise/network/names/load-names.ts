/** Loads what looks names up, and reads DNS, for policies that speak of names: others start without it. */
import { judgesNames } from '../../../policy/judges-names.ts';
import type { NetworkPolicy } from '../../../policy/policy.ts';
import type { NameService, NameServiceOf } from './name-service.ts';

let make: ((of: NameServiceOf) => NameService) | undefined;

/** To be waited for before a sandbox is made of such a policy. */
export async function loadNameService(policy: NetworkPolicy | undefined): Promise<void> {
  if (!judgesNames(policy)) return;
  const { SystemNames } = await import('./system-names.ts');
  make = (of) => new SystemNames(of);
}

/** Throws where it was not loaded. */
export function makeNameService(of: NameServiceOf): NameService {
  if (make === undefined) throw new Error('what looks names up was not loaded');
  return make(of);
}
