/** What a supervisor can judge; apart from those that do, which take long to load. */
import type { Judge } from '../plan/catalogue.ts';

/** What the supervisor can judge. */
export const JUDGES: ReadonlySet<Judge> = new Set([
  'files',
  'metadata',
  'network',
  'signals',
  'processes',
  'ipc',
  'credentials',
  'refusals',
]);
