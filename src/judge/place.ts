/** Names of places that no path from our root leads to. */
export const UNREACHABLE = Buffer.from('(unreachable)');

/** What a call would change or read: an object, or an entry of a directory. */
export interface Place {
  /** As the kernel names it. Pipes, sockets and the like have names that do not begin with a slash. */
  readonly path: Uint8Array;
  /** It lies in a file system that is an interface of the kernel. */
  readonly isInterface: boolean;
}
