/** What a service makes its sandboxes of. */
import type { KernelFeatures } from '../plan/features.ts';
import type { Judge } from '../plan/catalogue.ts';
import type { PathBytes, Policy } from '../policy/policy.ts';
import type { Reporter } from '../report/event.ts';
import type { Asker } from '../supervise/asking.ts';
import type { OwnIdentity } from '../supervise/engines/self.ts';

/** The supervisor itself, the same for all of its sandboxes. */
export interface Supervisor {
  readonly identity: OwnIdentity;
  readonly features: KernelFeatures;
  readonly judges: ReadonlySet<Judge>;
  /** Told of faults of our own; the call, or the client, was refused. */
  readonly fault: (error: unknown) => void;
}

/** A policy for any number of sandboxes. */
export interface ServedPolicy {
  readonly policy: Policy;
  /** What secfilt itself was started from, is set up by and writes to. */
  readonly own: readonly PathBytes[];
  /** Somebody is told of each refusal, as it comes. */
  readonly wantsReports: boolean;
  /** How it is shown: its options. */
  readonly words: readonly string[];
  /** Who hears of a sandbox's events; its command has, or will have, that process number. */
  readonly reporterFor: (pid: number) => SandboxReporter;
  /** Who is asked about what the policy does not allow. Undefined: nobody. */
  readonly askerFor?: (pid: number) => Asker;
}

export interface SandboxReporter extends Reporter {
  /** How many calls were refused. */
  readonly refused: number;
  /** The command has ended, and so has all that it started. */
  ended?(): void;
  /** The command itself has ended. */
  commandEnded?(): void;
}
