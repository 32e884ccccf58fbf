/** What the kernel says of TCP sockets: who listens, and what an end of a connection is (sock_diag(7), "IPv4 and IPv6 sockets"). */
import { ANY_COOKIE, ANY_STATE, State, askAll, askOne, attributeOf, requestOf } from './sock-diag.ts';
import { AF_INET, AF_INET6, IPPROTO_TCP } from './sockets.ts';

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

const request = requestOf(REQUEST_SIZE);

export interface Listener {
  /** SO_COOKIE: which socket it is. */
  readonly cookie: bigint;
}

/** Four or sixteen bytes, and a port. */
export interface TcpAddress {
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * Every TCP socket of our network namespace that listens where a connection to this address could arrive: at the address
 * itself, or at any. Undefined where the kernel does not tell.
 */
export function listenersAt(at: TcpAddress): readonly Listener[] | undefined {
  const found: Listener[] = [];
  const families = at.address.length === 4 ? [AF_INET, AF_INET6] : [AF_INET6];
  for (const family of families) {
    const body = question(family, State.listen);
    body.writeUInt16BE(at.port, REQUEST_ID + Id.sourcePort);
    const isComplete = askAll(body, (message) => {
      const isSame = message.readUInt16BE(MESSAGE_ID + Id.sourcePort) === at.port;
      if (isSame && takes(message, family, at.address)) found.push({ cookie: cookieOf(message) });
      return false;
    });
    if (!isComplete) return undefined;
  }
  return found;
}

/** Whether a listener is at an address, or at every one. */
function takes(message: Buffer, family: number, address: Uint8Array): boolean {
  const own = message.subarray(MESSAGE_ID + Id.source, MESSAGE_ID + Id.source + 16);
  if (family === AF_INET) return isUnspecified(own.subarray(0, 4)) || own.subarray(0, 4).equals(address);
  if (address.length === 16) return isUnspecified(own) || own.equals(address);
  // An IPv6 listener takes IPv4 as well, unless it says otherwise.
  if (isUnspecified(own)) return attributeOf(message, MESSAGE_SIZE, INET_DIAG_SKV6ONLY)?.[0] !== 1;
  return own.subarray(12).equals(address) || isUnspecified(own.subarray(12));
}

/** One end of a connection. */
export interface TcpEnd {
  /** Nobody has it open any more: the kernel keeps it to end the connection. */
  readonly isClosed: boolean;
  /** The marks of `markListener`, which what a listener accepts inherits. */
  readonly isMarked: boolean;
  /** The listener has not taken it on yet: it waits for data (TCP_DEFER_ACCEPT), or for room. */
  readonly isRequest: boolean;
}

/** The socket at `local` whose peer is `remote`, in our network namespace; undefined where there is none that the kernel tells of. */
export function connectionEnd(local: TcpAddress, remote: TcpAddress): TcpEnd | undefined {
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
    isClosed: isEnding && bits === undefined,
    isMarked: bits !== undefined && isMarked(bits),
    isRequest: state === TcpState.synReceived && bits === undefined,
  };
}

function isMarked(bits: number): boolean {
  return (bits & (RECVERR_RFC4884 | MULTICAST_ALL | MULTICAST_LOOP)) === RECVERR_RFC4884;
}

function question(family: number, states: number): Buffer {
  request.fill(0);
  request[0] = family;
  request[1] = IPPROTO_TCP;
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
