/**
 * Interfaces that a program chooses by itself. The judge sees an address, but a packet to it goes where its interface
 * leads: 127.0.0.1 by a network card is the next machine on the cable. So whoever names one, by a control message or by
 * an address that binds the socket to one, must name that which the routing table has for the destination anyway.
 */
import { routeTo } from '../../linux/route.ts';
import {
  AF_INET,
  AF_INET6,
  SOCK_DGRAM,
  SO_BINDTOIFINDEX,
  peerAddress,
  socketOption,
  type SocketKind,
} from '../../linux/sockets.ts';
import { destinationOf, needsInterface, type SocketUse } from '../../judge/destination.ts';
import type { AddressBytes } from '../../policy/policy.ts';
import type { TargetSocket } from './target-socket.ts';

/** LOOPBACK_IFINDEX: what is sent there stays on this host. */
const LOOPBACK = 1;

/** Why a refusal: for the summary and the log. */
export const INTERFACE_RULE = 'an interface that does not lead to the destination';

/**
 * Whether a packet would leave by another interface than without the program's word. Link-local addresses mean nothing
 * without an interface: theirs may be any.
 * @param index of the interface; 0: none
 */
function leadsAstray(address: AddressBytes, index: number): boolean {
  if (index === 0 || index === LOOPBACK || needsInterface(address)) return false;
  const route = routeTo(address);
  if (typeof route === 'number') return true;
  if (route.interface === index) return false;
  // One's own address ends here by the interface that has it too.
  const led = route.isLocal ? routeTo(address, index) : undefined;
  return typeof led !== 'object' || !led.isLocal;
}

/**
 * Whether the interface that a socket is bound to leads elsewhere. An IPv6 socket is bound to one by a bind(2) or
 * connect(2) with a scope id, and stays so, also for IPv4.
 * @param scope the scope id of the address; 0: none
 */
export function isBoundAstray(
  { descriptor, kind }: TargetSocket,
  use: SocketUse,
  address: AddressBytes,
  scope: number,
): boolean {
  if (kind.domain !== AF_INET6) return false;
  // A connect that fails leaves the peer of before, and the new interface.
  const binds = use.kind === 'connect' && kind.type === SOCK_DGRAM && scope !== 0 && needsInterface(address);
  if (binds && typeof peerAddress(descriptor) !== 'number') return true;
  const bound = socketOption(descriptor, SO_BINDTOIFINDEX);
  return bound < 0 || leadsAstray(address, bound);
}

/**
 * Whether an interface that the control messages of a send name leads elsewhere.
 * @param host where it is sent to; undefined: to the peer
 */
export function isLedAstray(
  { descriptor, kind }: TargetSocket,
  host: AddressBytes | undefined,
  interfaces: readonly number[] = [],
): boolean {
  if (interfaces.length === 0) return false;
  const address = host ?? peerOf(descriptor, kind);
  return address === undefined || interfaces.some((index) => leadsAstray(address, index));
}

function peerOf(socket: number, kind: SocketKind): AddressBytes | undefined {
  const peer = peerAddress(socket);
  if (typeof peer === 'number') return undefined;
  const destination = destinationOf(kind, Buffer.from(peer), { kind: 'connect' }, () => undefined);
  return destination.kind === 'internet' ? destination.address : undefined;
}

export function isInternet({ kind: { domain } }: TargetSocket): boolean {
  return domain === AF_INET || domain === AF_INET6;
}
