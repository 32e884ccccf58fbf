/** What handlers of calls on sockets know of the resolvers that a sandbox is led to. What stands behind it is loaded for policies about names alone. */
import type { KnownNames } from '../../../judge/known-names.ts';
import type { AddressBytes } from '../../../policy/addresses.ts';
import type { ListedDestinations } from '../../../policy/policy.ts';
import type { InternetDestination } from '../../../judge/destination.ts';
import type { Reporter } from '../../../report/event.ts';
import type { Watching } from './watching.ts';

/** Who was led to a stub. */
export interface LedThread {
  readonly tid: number;
  /** Name of the system call. */
  readonly call: string;
}

export interface NameService {
  /** What addresses were given out for. */
  readonly known: KnownNames;
  /** Only names that a rule allows may be looked up. */
  readonly allowsNames: boolean;
  /** Whether a destination is a resolver of the system's, which is asked in its place. */
  isResolver(destination: InternetDestination): boolean;
  /**
   * Where a socket is led that would go to a resolver: struct sockaddr. Undefined where nobody can stand there.
   * @param cookie of the socket, which is answered from now on
   */
  lead(destination: InternetDestination, cookie: bigint, thread: LedThread): Buffer | undefined;
  /** Whether a socket that is bound to an address (struct sockaddr) could answer in the place of a resolver that is on this host. */
  isResolverOfThisHost(address: Buffer): boolean;
  /** Whether any socket was led: as long as none was nothing has to be looked at. */
  readonly hasLed: boolean;
  /** Whether this one was. */
  isLed(cookie: bigint): boolean;
  /** The resolver that a place of ours stands for: address and port; undefined where it is none of ours. */
  resolverAt(
    address: AddressBytes,
    port: number,
  ): { readonly address: AddressBytes; readonly port: number } | undefined;
  /** Ends all that is under way. */
  release(): void;
}

export interface NameServiceOf {
  readonly policy: ListedDestinations;
  readonly watching: Watching;
  readonly reporter: Reporter;
}
