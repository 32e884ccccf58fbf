/** The judge of places where a program would take connections or datagrams (bind(2), listen(2)). Pure. */
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SOCK_DGRAM,
  type SocketKind,
} from '../linux/sockets.ts';
import type { ListenRule } from '../policy/destinations.ts';
import type { AddressBytes, Port } from '../policy/policy.ts';
import { isInNetwork } from '../policy/within.ts';
import { internetAddressOf } from './destination.ts';
import { PERFORM, refuse, type Verdict } from './verdict.ts';

const OUTSIDE = refuse('not in --allowed-listen');

/** A place of this host. */
export interface ListenPlace {
  /** All zeros: at every address. Four bytes where it is IPv4. */
  readonly address: AddressBytes;
  readonly port: Port;
  readonly protocol: 'tcp' | 'udp';
}

/** What a policy says about listening, made ready to be asked. */
export class ListenRules {
  readonly #rules: readonly ListenRule[] | undefined;

  /** @param rules undefined: everything may be listened at */
  constructor(rules: readonly ListenRule[] | undefined) {
    this.#rules = rules;
  }

  get restricted(): boolean {
    return this.#rules !== undefined;
  }

  /** Loopback is always allowed, and at every address only what is allowed without one. */
  judge({ address, port, protocol }: ListenPlace): Verdict {
    if (this.#rules === undefined || isOfLoopback(address)) return PERFORM;
    const isEverywhere = address.every((byte) => byte === 0);
    const isAllowed = this.#rules.some(
      (rule) =>
        (rule.protocol === undefined || rule.protocol === protocol) &&
        (rule.network === undefined || (!isEverywhere && isInNetwork(address, rule.network))) &&
        (rule.ports === undefined || rule.ports.some(({ first, last }) => first <= port && port <= last)),
    );
    return isAllowed ? PERFORM : OUTSIDE;
  }
}

/**
 * Where a bind would put a socket; undefined where the kernel fails it for its address, or the socket has no ports.
 * @param address struct sockaddr, as long as the caller said
 */
export function listenPlaceOf(kind: SocketKind, address: Buffer): ListenPlace | undefined {
  if (kind.protocol === IPPROTO_ICMP || kind.protocol === IPPROTO_ICMPV6 || address.length < 2)
    return undefined;
  const known = Buffer.from(address);
  // ip(7): on an IPv4 socket no family at all is taken for AF_INET.
  if (kind.domain === AF_INET && known.readUInt16LE(0) === AF_UNSPEC) known.writeUInt16LE(AF_INET);
  if (known.readUInt16LE(0) !== kind.domain) return undefined;
  const place = internetAddressOf(known);
  return place && { ...place, protocol: kind.type === SOCK_DGRAM ? 'udp' : 'tcp' };
}

/** True for sockets that a policy about listening has rules for. */
export function hasListenRules({ domain }: SocketKind): boolean {
  return domain === AF_INET || domain === AF_INET6;
}

/** 127.0.0.0/8 and ::1. */
function isOfLoopback(address: AddressBytes): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, at) => byte === (at === 15 ? 1 : 0));
}
