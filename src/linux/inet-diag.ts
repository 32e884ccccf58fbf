/** What the kernel says of TCP and UDP sockets: who listens, and what an end of a connection is (sock_diag(7), "IPv4 and IPv6 sockets"). */
import { ANY_COOKIE, ANY_STATE, State, askAll, askOne, attributeOf, requestOf } from './sock-diag.ts';
import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP } from './sockets.ts';

/** sizeof(struct inet_diag_req_v2) and of struct inet_diag_msg. */
const REQUEST_SIZE = 56;
const MESSAGE_SIZE = 72;
/** Both hold a struct inet_diag_sockid: ports and addresses in network order. */
const REQUEST_ID = 8;
const MESSAGE_ID = 4;
const Id = { sourcePort: 0, destinationPort: 2, source: 4, destination: 20, cookie: 40 } as const;
const STATE = 1;
const INET_DIAG_SKV6ONLY = 11;
/** struct inet_diag_sockopt, Linux 5.10. */
const INET_DIAG_SOCKOPT = 22;
const MULTICAST_LOOP = 1 << 4;
const MULTICAST_ALL = 1 << 6;
const RECVERR_RFC4884 = 1 << 9;
/** tcp_states.h */
export const TcpState = {
  synSent: 2,
  synReceived: 3,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  listen: 10,
} as const;

/** IPv4 in IPv6. */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

const request = requestOf(REQUEST_SIZE);

/** Four or sixteen bytes, and a port. */
export interface InternetAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * The cookies (SO_COOKIE) of every TCP socket of our network namespace that listens where a connection to this address could arrive: at
 * the address itself, or at any. Undefined where the kernel does not tell.
 */
export function listenersAt(at: InternetAddress): readonly bigint[] | undefined {
  return socketsAt(at, IPPROTO_TCP, State.listen);
}

/** Every UDP socket of our network namespace that has this port at this address or at any, connected ones too. Undefined as above. */
export function datagramSocketsAt(at: InternetAddress): readonly bigint[] | undefined {
  return socketsAt(at, IPPROTO_UDP, ANY_STATE);
}

function socketsAt(at: InternetAddress, protocol: number, states: number): readonly bigint[] | undefined {
  const found: bigint[] = [];
  const families = at.address.length === 4 ? [AF_INET, AF_INET6] : [AF_INET6];
  for (const family of families) {
    const body = question(family, states, protocol);
    body.writeUInt16BE(at.port, REQUEST_ID + Id.sourcePort);
    const isComplete = askAll(body, (message) => {
      const isSame = message.readUInt16BE(MESSAGE_ID + Id.sourcePort) === at.port;
      if (isSame && takes(message, family, at.address)) found.push(cookieOf(message));
      return false;
    });
    if (!isComplete) return undefined;
  }
  return found;
}

/**
 * The cookie of the UDP socket of our network namespace that a datagram would reach: to `at`, sent from `from`. Undefined where there is
 * none that the kernel tells of.
 */
export function datagramReceiver(from: InternetAddress, at: InternetAddress): bigint | undefined {
  const body = question(at.address.length === 4 ? AF_INET : AF_INET6, ANY_STATE, IPPROTO_UDP);
  // "src and dst are swapped for historical reasons" (net/ipv4/udp_diag.c): the source is who sends.
  body.writeUInt16BE(from.port, REQUEST_ID + Id.sourcePort);
  body.writeUInt16BE(at.port, REQUEST_ID + Id.destinationPort);
  body.set(from.address, REQUEST_ID + Id.source);
  body.set(at.address, REQUEST_ID + Id.destination);
  const message = askOne(body);
  return typeof message === 'number' || message.length < MESSAGE_SIZE ? undefined : cookieOf(message);
}

/** The cookies of the UDP sockets of a family (AF_INET, AF_INET6) that are connected to a port of whatever address. Undefined as above. */
export function connectedTo(family: number, port: number): ReadonlySet<bigint> | undefined {
  const found = new Set<bigint>();
  const body = question(family, State.established, IPPROTO_UDP);
  body.writeUInt16BE(port, REQUEST_ID + Id.destinationPort);
  const isComplete = askAll(body, (message) => {
    found.add(cookieOf(message));
    return false;
  });
  return isComplete ? found : undefined;
}

/** Whether a socket has an address, or every one. */
function takes(message: Buffer, family: number, address: Uint8Array): boolean {
  const own = message.subarray(MESSAGE_ID + Id.source, MESSAGE_ID + Id.source + 16);
  if (family === AF_INET) return isUnspecified(own.subarray(0, 4)) || own.subarray(0, 4).equals(address);
  if (address.length === 16) return isUnspecified(own) || own.equals(address);
  // An IPv6 socket takes IPv4 as well, unless it says otherwise. One that is connected, which does not say, has an address.
  if (isUnspecified(own)) return attributeOf(message, MESSAGE_SIZE, INET_DIAG_SKV6ONLY)?.[0] === 0;
  if (!own.subarray(0, 12).equals(MAPPED)) return false;
  return own.subarray(12).equals(address) || isUnspecified(own.subarray(12));
}

/** One end of a connection. */
export interface TcpEnd {
  readonly cookie: bigint;
  /** Nobody has it open any more: the kernel keeps it to end the connection. */
  readonly isClosed: boolean;
  /** The marks of `markListener`, which what a listener accepts inherits. */
  readonly isMarked: boolean;
  /** The listener has not taken it on yet: it waits for data (TCP_DEFER_ACCEPT), or for room. */
  readonly isRequest: boolean;
}

/** The socket at `local` whose peer is `remote`, in our network namespace; undefined where there is none that the kernel tells of. */
export function connectionEnd(local: InternetAddress, remote: InternetAddress): TcpEnd | undefined {
  const body = question(local.address.length === 4 ? AF_INET : AF_INET6, ANY_STATE);
  body.writeUInt16BE(local.port, REQUEST_ID + Id.sourcePort);
  body.writeUInt16BE(remote.port, REQUEST_ID + Id.destinationPort);
  body.set(local.address, REQUEST_ID + Id.source);
  body.set(remote.address, REQUEST_ID + Id.destination);
  const message = askOne(body);
  if (typeof message === 'number' || message.length < MESSAGE_SIZE) return undefined;
  // Where there is no such connection the kernel tells of the listener.
  const state = message[STATE] ?? 0;
  if (state === TcpState.listen) return undefined;
  if (message.readUInt16BE(MESSAGE_ID + Id.sourcePort) !== local.port) return undefined;
  if (message.readUInt16BE(MESSAGE_ID + Id.destinationPort) !== remote.port) return undefined;
  const options = attributeOf(message, MESSAGE_SIZE, INET_DIAG_SOCKOPT);
  const bits = options === undefined || options.length < 2 ? undefined : options.readUInt16LE(0);
  const isEnding = state === TcpState.finWait2 || state === TcpState.timeWait;
  return {
    cookie: cookieOf(message),
    isClosed: isEnding && bits === undefined,
    isMarked: bits !== undefined && isMarked(bits),
    isRequest: state === TcpState.synReceived && bits === undefined,
  };
}

function isMarked(bits: number): boolean {
  return (bits & (RECVERR_RFC4884 | MULTICAST_ALL | MULTICAST_LOOP)) === RECVERR_RFC4884;
}

function question(family: number, states: number, protocol = IPPROTO_TCP): Buffer {
  request.fill(0);
  request[0] = family;
  request[1] = protocol;
  request.writeUInt32LE(states >>> 0, 4);
  request.writeBigUInt64LE(ANY_COOKIE, REQUEST_ID + Id.cookie);
  return request;
}

function cookieOf(message: Buffer): bigint {
  return message.readBigUInt64LE(MESSAGE_ID + Id.cookie);
}

function isUnspecified(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
