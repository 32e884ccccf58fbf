/**
 * Where a call on a socket would go: the address as the kernel reads it, by the socket's own family and type
 * (ip(7), ipv6(7), unix(7), udp(7)). Pure: bytes in, values out.
 */
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  AF_UNSPEC,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_FASTOPEN,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  UNIX_PATH_OFFSET,
  UNIX_PATH_SIZE,
  type SocketKind,
} from '../linux/sockets.ts';
import type { AddressBytes, Port } from '../policy/policy.ts';

/** sizeof(struct sockaddr_in). */
const IPV4_SIZE = 16;
/** SIN6_LEN_RFC2133: the scope id behind it may be missing. */
const IPV6_SIZE = 24;
/** Where an address is in a struct sockaddr_in and sockaddr_in6, and in the latter one that is IPv4. */
const IPV4_AT = 4;
const IPV6_AT = 8;
const MAPPED_AT = 20;
const SCOPE_AT = 24;
const IPV4_LOOPBACK = Uint8Array.of(127, 0, 0, 1);
/** The first byte of multicast addresses. */
const IPV4_MULTICAST = 224;

export type InternetProtocol = 'tcp' | 'udp' | 'icmp' | 'other';

/** A host and a port. */
export type InternetDestination = Extract<Destination, { kind: 'internet' }>;

export type Destination =
  /** The call reaches nobody: it disconnects, goes to the peer there is, or the kernel itself fails it. */
  | { readonly kind: 'nobody' }
  | {
      readonly kind: 'internet';
      /** Four bytes where it is IPv4, in whatever form it came. */
      readonly address: AddressBytes;
      readonly port: Port;
      readonly protocol: InternetProtocol;
      /** The interface that the address names (sin6_scope_id); 0: none. */
      readonly scope: number;
      /** The address to call with: nothing is left for the kernel to fill in. */
      readonly bytes: Uint8Array;
    }
  /** The bytes up to the first NUL. */
  | { readonly kind: 'unix-path'; readonly path: Buffer }
  /** Without the leading NUL; NULs in it count. */
  | { readonly kind: 'unix-abstract'; readonly name: Buffer }
  /** The kernel's own services: routing (netlink(7)). */
  | { readonly kind: 'kernel' }
  /** A family or protocol that has no rules. */
  | { readonly kind: 'other' };

export type SocketUse =
  | { readonly kind: 'connect' }
  /** A send with an address; `flags` are those of the send. */
  | { readonly kind: 'send'; readonly flags: number };

/** The struct sockaddr that a socket is bound to; undefined: not known. */
export type LocalAddress = () => Uint8Array | undefined;

const NOBODY: Destination = { kind: 'nobody' };
const KERNEL: Destination = { kind: 'kernel' };
const OTHER: Destination = { kind: 'other' };

/**
 * @param address struct sockaddr of some family, as long as the caller said
 * @param local asked only where the destination is unspecified
 */
export function destinationOf(
  socket: SocketKind,
  address: Buffer,
  use: SocketUse,
  local: LocalAddress,
): Destination {
  switch (socket.domain) {
    case AF_UNIX:
      return unixDestination(socket, address, use);
    case AF_INET:
    case AF_INET6:
      return internetDestination(socket, address, use, local);
    case AF_NETLINK:
      return KERNEL;
    default:
      return OTHER;
  }
}

function internetDestination(
  socket: SocketKind,
  address: Buffer,
  use: SocketUse,
  local: LocalAddress,
): Destination {
  const protocol = protocolOf(socket);
  const family = address.length >= 2 ? address.readUInt16LE(0) : undefined;
  if (use.kind === 'connect' && family === AF_UNSPEC) return NOBODY;
  // A stream goes to its peer, whatever address a send names; but this flag connects it.
  const isStream = socket.type === SOCK_STREAM;
  if (use.kind === 'send' && isStream && (use.flags & MSG_FASTOPEN) === 0) return NOBODY;
  if (protocol === 'other') return OTHER;
  switch (family) {
    case AF_INET:
      return address.length < IPV4_SIZE ? NOBODY : ipv4(address, IPV4_AT, protocol, local);
    case AF_INET6:
      return address.length < IPV6_SIZE ? NOBODY : ipv6(address, protocol, local);
    case AF_UNSPEC:
      // udp(7) takes it for AF_INET on an IPv4 socket; on an IPv6 socket it goes to the peer.
      return socket.domain === AF_INET6 || address.length < IPV4_SIZE
        ? NOBODY
        : ipv4(address, IPV4_AT, protocol, local);
    case undefined:
    default:
      // Too short for a family, or a foreign one: EINVAL, EAFNOSUPPORT.
      return NOBODY;
  }
}

function ipv4(address: Buffer, at: number, protocol: InternetProtocol, local: LocalAddress): Destination {
  const bytes = Buffer.from(address);
  const target = bytes.subarray(at, at + 4);
  // As a destination the kernel takes the unspecified address for the socket's own, or else for this host.
  if (isZero(target)) target.set(ownIpv4(local()) ?? IPV4_LOOPBACK);
  return { kind: 'internet', address: target, port: bytes.readUInt16BE(2), protocol, scope: 0, bytes };
}

function ipv6(address: Buffer, protocol: InternetProtocol, local: LocalAddress): Destination {
  if (isMapped(address)) return ipv4(address, MAPPED_AT, protocol, local);
  const bytes = Buffer.from(address);
  const target = bytes.subarray(IPV6_AT, IPV6_AT + 16);
  if (isZero(target)) {
    if (isBoundToIpv4(local())) {
      // From such a socket nothing but IPv4 goes out.
      target.set([0xff, 0xff, ...IPV4_LOOPBACK], MAPPED_AT - 2 - IPV6_AT);
      return ipv4(bytes, MAPPED_AT, protocol, local);
    }
    target[15] = 1;
  }
  const scope = bytes.length >= SCOPE_AT + 4 ? bytes.readUInt32LE(SCOPE_AT) : 0;
  return { kind: 'internet', address: target, port: bytes.readUInt16BE(2), protocol, scope, bytes };
}

/** The address and port in a struct sockaddr_in or sockaddr_in6; four bytes where it is IPv4. */
export function internetAddressOf(address: Buffer): { address: AddressBytes; port: Port } | undefined {
  if (address.length < IPV4_SIZE) return undefined;
  const [family, port] = [address.readUInt16LE(0), address.readUInt16BE(2)];
  if (family === AF_INET) return { address: address.subarray(IPV4_AT, IPV4_AT + 4), port };
  if (family !== AF_INET6 || address.length < IPV6_SIZE) return undefined;
  return isMapped(address)
    ? { address: address.subarray(MAPPED_AT, MAPPED_AT + 4), port }
    : { address: address.subarray(IPV6_AT, IPV6_AT + 16), port };
}

/**
 * Whether a connect to a port is how a C library asks which address it would send from, to sort addresses: glibc at port 0,
 * musl at 65535. Nothing is sent to it.
 */
export function asksForSource(protocol: InternetProtocol, port: Port): boolean {
  return protocol === 'udp' && (port === 0 || port === 65_535);
}

/** fe80::/10, and groups of the interface's or the link's scope: the same addresses are at every interface. */
export function needsInterface(address: AddressBytes): boolean {
  const [first = 0, second = 0] = address;
  if (address.length !== 16) return false;
  const scope = second & 0xf;
  return (first === 0xfe && (second & 0xc0) === 0x80) || (first === 0xff && (scope === 1 || scope === 2));
}

/** The IPv4 address that a socket sends from, if it has one: never a group's. */
function ownIpv4(local: Uint8Array | undefined): Uint8Array | undefined {
  if (local === undefined || local.length < IPV4_SIZE) return undefined;
  if (local[0] === AF_INET6 && !isBoundToIpv4(local)) return undefined;
  const at = local[0] === AF_INET6 ? MAPPED_AT : IPV4_AT;
  const own = local.subarray(at, at + 4);
  return isZero(own) || (own[0] ?? 0) >= IPV4_MULTICAST ? undefined : own;
}

function isBoundToIpv4(local: Uint8Array | undefined): boolean {
  return local !== undefined && local.length >= IPV6_SIZE && local[0] === AF_INET6 && isMapped(local);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** ::ffff:a.b.c.d */
function isMapped(address: Uint8Array): boolean {
  return isZero(address.subarray(IPV6_AT, MAPPED_AT - 2)) && address[18] === 0xff && address[19] === 0xff;
}

function protocolOf(socket: SocketKind): InternetProtocol {
  switch (socket.protocol) {
    case IPPROTO_TCP:
    case IPPROTO_MPTCP:
      return socket.type === SOCK_STREAM ? 'tcp' : 'other';
    case IPPROTO_UDP:
      return socket.type === SOCK_DGRAM ? 'udp' : 'other';
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return socket.type === SOCK_DGRAM ? 'icmp' : 'other';
    default:
      return 'other';
  }
}

function unixDestination(socket: SocketKind, address: Buffer, use: SocketUse): Destination {
  const isDatagram = socket.type === SOCK_DGRAM || socket.type === SOCK_RAW;
  // Streams have a peer or have none: EISCONN, EOPNOTSUPP. Sequenced packets pass over the address.
  if (use.kind === 'send' && !isDatagram) return NOBODY;
  const tooShort = address.length <= UNIX_PATH_OFFSET;
  if (tooShort || address.length > UNIX_PATH_OFFSET + UNIX_PATH_SIZE) return NOBODY;
  if (address.readUInt16LE(0) !== AF_UNIX) return NOBODY;
  return unixName(address);
}

/** The name in a struct sockaddr_un that has one. */
export function unixName(
  address: Buffer,
): Extract<Destination, { readonly kind: 'unix-path' | 'unix-abstract' }> {
  const bytes = address.subarray(UNIX_PATH_OFFSET);
  if (bytes[0] === 0) return { kind: 'unix-abstract', name: Buffer.from(bytes.subarray(1)) };
  const end = bytes.indexOf(0);
  return { kind: 'unix-path', path: Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)) };
}
