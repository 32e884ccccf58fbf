/** Rules about single destinations: a host by its name or a network, with ports and a protocol. Plain values, complete and checked. */
import type { Network, Port } from './addresses.ts';

/** From `first` to `last`, both among them. */
export interface PortRange {
  readonly first: Port;
  readonly last: Port;
}

/** A name as DNS compares it (RFC 1035, RFC 5890): lower case A-labels, without the dot at the end. */
export interface HostName {
  /** From left to right. */
  readonly labels: readonly string[];
  /** `*.example.org`: what is below it at any depth, not the name itself. */
  readonly zone: boolean;
}

/** Whom a rule is about. */
export type DestinationPlace =
  | { readonly kind: 'host'; readonly name: HostName }
  | { readonly kind: 'network'; readonly network: Network }
  /** Every address: what is said of ports alone. */
  | { readonly kind: 'any' };

export interface DestinationRule {
  readonly effect: 'allow' | 'deny';
  readonly to: DestinationPlace;
  /** Undefined: any port. */
  readonly ports: readonly PortRange[] | undefined;
  /** Undefined: either. */
  readonly protocol: 'tcp' | 'udp' | undefined;
  /** Networks that are not of the internet to which the answers for a name may point all the same (DNS rebinding). */
  readonly mayPointTo?: readonly Network[];
  /** What a person wrote: `--allowed-hosts=*.example.org:443`. */
  readonly said: string;
}

/** Where connections and datagrams of others may be taken (bind(2), listen(2)). */
export interface ListenRule {
  /** Undefined: at every address of this host, the unspecified one among them. */
  readonly network: Network | undefined;
  /** Undefined: any. */
  readonly ports: readonly PortRange[] | undefined;
  /** Undefined: either. */
  readonly protocol: 'tcp' | 'udp' | undefined;
}
