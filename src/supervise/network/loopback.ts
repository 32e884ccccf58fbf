/**
 * Connections between processes of the sandbox by way of this host's loopback address, under policies that close it.
 *
 * Who is reached is told by socket, never by number: all that listens where the connection could arrive was bound inside,
 * known by cookies, before the connect; and what stands at its other end afterwards bears the marks of a socket that was
 * bound inside, which what a listener accepts inherits. Nobody outside has them by chance: they are options that mean
 * nothing to TCP. So a service outside that takes the port in between is found out before the connect has returned.
 */
import { TcpState, connectionEnd, listenersAt, type InternetAddress } from '../../linux/inet-diag.ts';
import {
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_BINDTOIFINDEX,
  connect,
  localAddress,
  peerAddress,
  setIntegerOption,
  socketCookie,
  socketOption,
  tcpState,
  namespaceCookie,
} from '../../linux/sockets.ts';
import { internetAddressOf, type InternetDestination } from '../../judge/destination.ts';
import type { AddressBytes } from '../../policy/policy.ts';
import type { BoundSockets } from './bound-sockets.ts';
import type { TargetSocket } from './target-socket.ts';

const IP_RECVERR_RFC4884 = 26;
const IP_MULTICAST_LOOP = 34;
const IP_MULTICAST_ALL = 49;
const TCP_FASTOPEN_CONNECT = 30;
/** Its interface, by number. */
const LOOPBACK = 1;

/** After a bind, or before a socket listens that was bound to nothing: what it accepts bears the marks then. */
export function markListener({ descriptor }: TargetSocket): void {
  setIntegerOption(descriptor, IPPROTO_IP, IP_RECVERR_RFC4884, 1);
  setIntegerOption(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  setIntegerOption(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

/** Remembers a socket that got its port inside: what listens there later is the sandbox's own. */
export function addListener(bound: BoundSockets, { descriptor }: TargetSocket): void {
  const cookie = socketCookie(descriptor);
  if (typeof cookie !== 'number') bound.addInternet(cookie);
}

/** Who would take a connection to a loopback address: 'inside' where all who could were bound inside. */
export function whoListens(
  bound: BoundSockets,
  { descriptor, kind }: TargetSocket,
  { address, port }: InternetDestination,
): 'inside' | 'outside' | 'nobody' {
  if (kind.protocol !== IPPROTO_TCP || !isLoopback(address) || port === 0) return 'outside';
  if (!isAtHome(descriptor)) return 'outside';
  const listeners = listenersAt({ address, port });
  if (listeners === undefined) return 'outside';
  if (listeners.length === 0) return 'nobody';
  return listeners.every((cookie) => bound.hasInternet(cookie)) ? 'inside' : 'outside';
}

/** Before the connect: data that goes with its first packet would arrive before anybody has looked. */
export function connectAtOnce({ descriptor }: TargetSocket): void {
  setIntegerOption(descriptor, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0);
}

/**
 * Whom a socket was connected to, after the connect: 'waits' while there is no connection yet, 'nobody' where there is none
 * any more. Only `inside` and `nobody` may be left to the program.
 */
export function whoAnswered(
  bound: BoundSockets,
  socket: TargetSocket,
  destination: InternetDestination,
): 'inside' | 'outside' | 'nobody' | 'waits' {
  const { descriptor } = socket;
  const state = tcpState(descriptor);
  if (state === TcpState.close) return 'nobody';
  if (state === TcpState.synSent) return 'waits';
  // One view of shared memory at a time.
  const local = addressAt(localAddress(descriptor));
  const peer = addressAt(peerAddress(descriptor));
  if (local === undefined || peer === undefined) return 'outside';
  const end = connectionEnd(peer, local);
  if (end === undefined) return tcpState(descriptor) === TcpState.close ? 'nobody' : 'outside';
  // Who has closed it reads no more.
  if (end.isClosed) return 'inside';
  // The marks are the same in every sandbox: whoever took the port in between must not be there any more.
  const listens = whoListens(bound, socket, destination);
  if (end.isRequest) return listens === 'inside' ? 'inside' : 'outside';
  return end.isMarked && listens !== 'outside' ? 'inside' : 'outside';
}

/** Ends a connection, or the try. */
export function disconnect({ descriptor }: TargetSocket): void {
  connect(descriptor, new Uint8Array(16));
}

function addressAt(bytes: Buffer | number): InternetAddress | undefined {
  return typeof bytes === 'number' ? undefined : internetAddressOf(Buffer.from(bytes));
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(address: AddressBytes): boolean {
  if (address.length === 4) return address[0] === 127;
  return address[15] === 1 && address.slice(0, 15).every((byte) => byte === 0);
}

/** In our own network, which is what the kernel tells of, and bound to no interface that leads out of this host. */
export function isAtHome(descriptor: number): boolean {
  const interfaceIndex = socketOption(descriptor, SO_BINDTOIFINDEX);
  if (interfaceIndex !== 0 && interfaceIndex !== LOOPBACK) return false;
  const own = namespaceCookie();
  return own !== undefined && namespaceCookie(descriptor) === own;
}
