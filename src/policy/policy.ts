/**
 * What a person allows. Plain values, complete and checked: whoever holds a Policy need not doubt it.
 */
import { beginningOf, type Rule } from '../rules/rule.ts';
import type { Endpoint, Network, Port } from './addresses.ts';
import type { DestinationRule, ListenRule } from './destinations.ts';

export type { AddressBytes, Endpoint, Network, Port } from './addresses.ts';

/** The bytes of an absolute path, without trailing NUL. Paths are bytes, never text (path_resolution(7)). */
export type PathBytes = Buffer;

export interface Policy {
  /** Undefined: files are not restricted. */
  readonly files: FilePolicy | undefined;
  /** Rules about reading. Undefined: everything may be read. What none speaks of may be read. */
  readonly read?: readonly Rule[];
  /** Every open for reading is judged although nothing is denied: for a run that is watched. */
  readonly watchesReading?: true;
  /** Rules about executing, all of paths. Undefined: everything may be executed, and so may what none speaks of. */
  readonly execute?: readonly Rule[];
  /** Symbolic links by which what must not be read or executed was found: changed, they would lead the next run elsewhere. */
  readonly linksToDenied?: readonly PathBytes[];
  /** Undefined: the network is not restricted. */
  readonly network: NetworkPolicy | undefined;
  /** Where connections and datagrams may be taken, beside this host's loopback. Only together with `network`. Undefined: anywhere. */
  readonly listen?: readonly ListenRule[];
  /** Unix sockets outside the sandbox that may be connected to, under any restriction (unix(7)). */
  readonly unixSockets: readonly UnixSocketName[];
  /** Every Unix socket may be connected to: for a run that is watched, not confined. */
  readonly anyUnixSocket?: true;
  /** By which rules names are looked up for a run that is watched, where the network is not restricted: so that it is seen whose addresses are. */
  readonly watchedNames?: ListedDestinations;
}

export interface FilePolicy {
  /**
   * Changes are allowed at these paths and below. Absolute, as the kernel names them: symbolic links resolved as far
   * as the path exists, so that comparing whole components is enough.
   */
  readonly writable: readonly PathBytes[];
  /** Directories, as the kernel names them, below which what the sandbox makes is its own, and all else stays closed. */
  readonly own?: readonly PathBytes[];
  /**
   * All rules about changes, those for `writable` among them, where there are others: places that are denied within, patterns. What
   * none speaks of stays as it is. Undefined: `writable` says it all.
   */
  readonly rules?: readonly Rule[];
}

/** Where programs share memory by names of their own (shm_overview(7), sem_overview(7)): under every file policy what is made is one's own. */
export const SHARED_MEMORY: PathBytes = Buffer.from('/dev/shm');

/** Where programs have temporary files, which --own-tmp stands for (hier(7)). */
export const TEMPORARY: readonly PathBytes[] = ['/tmp', '/var/tmp'].map((path) => Buffer.from(path));

export const ROOT: PathBytes = Buffer.from('/');

/** Trees in which the command may leave something, links among it. Of a pattern that allows changes: all below its beginning. */
export function changeableTrees(files: FilePolicy | undefined): readonly PathBytes[] {
  return files === undefined ? [] : [...namedTrees(files), SHARED_MEMORY];
}

/** The same, without those that are there under every file policy. */
export function namedTrees({ writable, own = [], rules = [] }: FilePolicy): readonly PathBytes[] {
  const patterns = rules.filter(({ effect, place }) => effect === 'allow' && place.kind === 'pattern');
  return [...writable, ...own, ...patterns.map(beginningOf)];
}

export type NetworkPolicy =
  /** Any destination, but only the families that ordinary programs use. */
  | { readonly kind: 'families' }
  /** No destination at all. `overruled`: lists that were given as well and would count without it. */
  | { readonly kind: 'none'; readonly overruled?: ListedDestinations }
  /** Only what is listed. */
  | ListedDestinations;

export interface ListedDestinations {
  readonly kind: 'listed';
  /** Undefined: any address. A destination must match a network and a port where both are given. */
  readonly networks: readonly Network[] | undefined;
  /** Undefined: any port. */
  readonly ports: readonly Port[] | undefined;
  /** Allowed besides: resolvers. */
  readonly endpoints: readonly Endpoint[];
  /**
   * Rules about single destinations: names of hosts, networks with ports, what is denied. With these a destination is allowed where
   * nothing denies it, and the lists above or an allowing rule allow it.
   */
  readonly rules?: readonly DestinationRule[];
}

export type UnixSocketName =
  | { readonly kind: 'path'; readonly path: PathBytes }
  /** Without the leading NUL. */
  | { readonly kind: 'abstract'; readonly name: Buffer };

/** True when the policy restricts anything; Unix sockets outside the sandbox are then closed too. */
export function restrictsAnything(policy: Policy): boolean {
  const { files, read, execute, network } = policy;
  return files !== undefined || read !== undefined || execute !== undefined || network !== undefined;
}
