/** How descriptors of the supervisor's own are watched in its loop, whichever engine's that is. */

export const READABLE = 1;
export const WRITABLE = 4;

export interface Watching {
  /**
   * Calls `ready` each time that a descriptor is ready or hung up, until `unwatch`. Throws a SyscallError.
   * @param events READABLE as a rule
   */
  watch(descriptor: number, ready: () => void, events?: number): void;
  /** To be called before the descriptor is closed. */
  unwatch(descriptor: number): void;
}
