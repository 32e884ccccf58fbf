/** What the rules of a filter depend on, beside the call itself. */
import type { Judge } from '../catalogue.ts';
import type { Action } from '../../seccomp/expression.ts';

export interface Situation {
  readonly restrictsFiles: boolean;
  /**
   * Which calls are referred that make, remove or open names for writing: all, or only opens for writing of what exists, where
   * Landlock alone decides about the others.
   */
  readonly names: 'all' | 'existing';
  /** No core is dumped: the kernel, or what it starts, would write it without a call that could be judged (core(5)). */
  readonly withoutCores: boolean;
  /** Whatever is opened for reading is referred, and what reads a file without. */
  readonly refersReads: boolean;
  /** Landlock alone keeps files from being read, and changes are not restricted. */
  readonly restrictsReadingAlone?: boolean;
  readonly restrictsNetwork: boolean;
  /** The network is restricted, and not to families alone. */
  readonly restrictsDestinations: boolean;
  /** Where programs may listen is restricted, and listen(2) not referred for another reason. */
  readonly restrictsListening?: boolean;
  /** Names are looked up in the sandbox's place: who receives is told whom he has asked. */
  readonly judgesNames?: boolean;
  /** The sandbox is a Landlock domain: ptrace(2) stays inside it. */
  readonly landlockDomain: boolean;
  /** The domain scopes signals (LANDLOCK_SCOPE_SIGNAL). */
  readonly signalScope: boolean;
  /** How a call is referred to the supervisor; undefined: there is none. */
  readonly refer: Action | undefined;
  /** The judges that the supervisor has. */
  readonly judges: ReadonlySet<Judge>;
  /** Without a supervisor: the judges whose questions Landlock answers, so that their calls may pass. */
  readonly kernelDecides?: ReadonlySet<Judge>;
  /** Nobody but the sandbox is in the session that it begins in. */
  readonly ownSession?: boolean;
  /** Without a supervisor: which sockets there may be. */
  readonly sockets?: UnjudgedSockets;
}

/**
 * Sockets where nobody judges an address, under any restriction: `any` destination; `tcp` only, whose ports Landlock
 * judges; or none at all. Unix sockets are closed but for pairs.
 */
export type UnjudgedSockets = 'any' | 'tcp' | 'none';
