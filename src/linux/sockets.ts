/** Sockets: constants and calls (socket(7), ip(7), ipv6(7), unix(7), send(2), connect(2)). */
import { Errno } from './errno.ts';
import { addressOf, close, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0x8_0000;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_MPTCP = 262;

export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_PASSCRED = 16;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
export const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const SO_COOKIE = 57;
const SO_NETNS_COOKIE = 71;
export const SO_ZEROCOPY = 60;
const SO_PEERPIDFD = 77;
const TCP_INFO = 11;
export const SO_BINDTOIFINDEX = 62;

export const MSG_OOB = 0x1;
export const MSG_DONTROUTE = 0x4;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_ZEROCOPY = 0x400_0000;
export const MSG_FASTOPEN = 0x2000_0000;
/** The kernel's own mark of 32-bit callers, as an int. */
export const MSG_CMSG_COMPAT = 0x8000_0000 | 0;

/** sizeof(struct sockaddr_storage): no address is longer. */
export const LONGEST_ADDRESS = 128;
/** Where the path of a struct sockaddr_un begins, and how long it may be. */
export const UNIX_PATH_OFFSET = 2;
export const UNIX_PATH_SIZE = 108;

const value = Buffer.from(new ArrayBuffer(256));
const valueAddress = Number(addressOf(value));
const length = Buffer.from(new ArrayBuffer(8));
const lengthAddress = Number(addressOf(length));

function option(socket: number, name: number, size: number): number {
  length.writeUInt32LE(size);
  return syscall(X86_64.getsockopt, socket, SOL_SOCKET, name, valueAddress, lengthAddress, 0);
}

/** An int of SOL_SOCKET (getsockopt(2)), never negative, or a negated error number. */
export function socketOption(socket: number, name: number): number {
  const result = option(socket, name, 4);
  return result < 0 ? result : value.readInt32LE(0) & 0x7fff_ffff;
}

/** An int of any level, likewise. */
export function integerOption(socket: number, level: number, name: number): number {
  length.writeUInt32LE(4);
  const result = syscall(X86_64.getsockopt, socket, level, name, valueAddress, lengthAddress, 0);
  return result < 0 ? result : value.readInt32LE(0) & 0x7fff_ffff;
}

/** The state of a TCP socket's connection (tcp(7), TCP_INFO), or a negated error number. */
export function tcpState(socket: number): number {
  length.writeUInt32LE(1);
  const result = syscall(X86_64.getsockopt, socket, IPPROTO_TCP, TCP_INFO, valueAddress, lengthAddress, 0);
  return result < 0 ? result : (value[0] ?? 0);
}

export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
}

/** What a socket is, or a negated error number: ENOTSOCK, EBADF. */
export function socketKind(socket: number): SocketKind | number {
  const domain = socketOption(socket, SO_DOMAIN);
  if (domain < 0) return domain;
  const type = socketOption(socket, SO_TYPE);
  if (type < 0) return type;
  const protocol = socketOption(socket, SO_PROTOCOL);
  return protocol < 0 ? protocol : { domain, type, protocol };
}

/** A number that no other socket ever has (socket(7), SO_COOKIE), or a negated error number. */
export function socketCookie(socket: number): bigint | number {
  const result = option(socket, SO_COOKIE, 8);
  return result < 0 ? result : value.readBigUInt64LE(0);
}

/** Who has connected a Unix socket's other end (unix(7), SO_PEERCRED). */
export interface PeerProcess {
  readonly pid: number;
  readonly uid: number;
}

/** The process by its number, which may be another's by now; or a negated error number. */
export function peerProcess(socket: number): PeerProcess | number {
  const result = option(socket, SO_PEERCRED, 12);
  return result < 0 ? result : { pid: value.readInt32LE(0), uid: value.readUInt32LE(4) };
}

/** A descriptor of that very process (SO_PEERPIDFD, Linux 6.5), or a negated error number. */
export function peerPidfd(socket: number): number {
  const result = option(socket, SO_PEERPIDFD, 4);
  return result < 0 ? result : value.readInt32LE(0);
}

let ownNamespace: bigint | undefined;

/**
 * Which network namespace a socket is in (SO_NETNS_COOKIE, Linux 5.14); undefined where the kernel does not tell.
 * @param socket undefined: that of this process, which stays the same
 */
export function namespaceCookie(socket?: number): bigint | undefined {
  if (socket !== undefined)
    return option(socket, SO_NETNS_COOKIE, 8) < 0 ? undefined : value.readBigUInt64LE(0);
  if (ownNamespace !== undefined) return ownNamespace;
  const own = syscall(X86_64.socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
  if (own < 0) return undefined;
  ownNamespace = namespaceCookie(own);
  close(own);
  return ownNamespace;
}

/** Sets an int (setsockopt(2)). 0, or a negated error number. */
export function setIntegerOption(socket: number, level: number, name: number, to: number): number {
  value.writeInt32LE(to, 0);
  return syscall(X86_64.setsockopt, socket, level, name, valueAddress, 4, 0);
}

/** How long a send or connect may block (SO_SNDTIMEO), in milliseconds; Infinity where there is no limit. */
export function sendTimeout(socket: number): number {
  return timeout(socket, SO_SNDTIMEO);
}

/** The same of a receive or accept (SO_RCVTIMEO). */
export function receiveTimeout(socket: number): number {
  return timeout(socket, SO_RCVTIMEO);
}

function timeout(socket: number, name: number): number {
  if (option(socket, name, 16) < 0) return Infinity;
  const milliseconds =
    Number(value.readBigInt64LE(0)) * 1000 + Math.ceil(Number(value.readBigInt64LE(8)) / 1000);
  return milliseconds === 0 ? Infinity : milliseconds;
}

/** The address that a socket is bound to (getsockname(2)): a view of shared memory, or a negated error number. */
export function localAddress(socket: number): Buffer | number {
  return ownAddress(X86_64.getsockname, socket);
}

/** The address that a socket is connected to (getpeername(2)), likewise: ENOTCONN where it is not. */
export function peerAddress(socket: number): Buffer | number {
  return ownAddress(X86_64.getpeername, socket);
}

function ownAddress(call: number, socket: number): Buffer | number {
  length.writeUInt32LE(LONGEST_ADDRESS);
  const result = syscall(call, socket, valueAddress, lengthAddress, 0, 0, 0);
  if (result < 0) return result;
  return value.subarray(0, Math.min(length.readUInt32LE(0), LONGEST_ADDRESS));
}

const name = Buffer.from(new ArrayBuffer(256));
const nameAddress = Number(addressOf(name));

function placeName(address: Uint8Array): void {
  name.set(address);
}

/** connect(2). 0, or a negated error number. */
export function connect(socket: number, address: Uint8Array): number {
  placeName(address);
  return syscall(X86_64.connect, socket, nameAddress, address.length, 0, 0, 0);
}

/** bind(2). 0, or a negated error number. */
export function bind(socket: number, address: Uint8Array): number {
  placeName(address);
  return syscall(X86_64.bind, socket, nameAddress, address.length, 0, 0, 0);
}

/** listen(2). 0, or a negated error number. */
export function listen(socket: number, backlog: number): number {
  return syscall(X86_64.listen, socket, backlog, 0, 0, 0, 0);
}

/** struct msghdr with one struct iovec behind it (recv(2)). */
const header = Buffer.from(new ArrayBuffer(128));
const headerAddress = Number(addressOf(header));
const VECTOR_OFFSET = 64;

/**
 * One send of bytes at a fixed address of ours.
 * @param address undefined: to the peer
 * @param control struct cmsghdr and what follows; undefined: none
 * @returns how many bytes were taken, or a negated error number
 */
export function send(
  socket: number,
  data: number,
  size: number,
  flags: number,
  address: Uint8Array | undefined,
  control: Uint8Array | undefined,
): number {
  if (address !== undefined) placeName(address);
  if (control === undefined) {
    const to = address === undefined ? 0 : nameAddress;
    return syscall(X86_64.sendto, socket, data, size, flags, to, address?.length ?? 0);
  }
  header.fill(0);
  if (address !== undefined) header.writeBigUInt64LE(BigInt(nameAddress), 0);
  header.writeUInt32LE(address?.length ?? 0, 8);
  header.writeBigUInt64LE(BigInt(headerAddress + VECTOR_OFFSET), 16);
  header.writeUInt32LE(1, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeUInt32LE(control.length, 40);
  header.writeBigUInt64LE(BigInt(data), VECTOR_OFFSET);
  header.writeUInt32LE(size, VECTOR_OFFSET + 8);
  return syscall(X86_64.sendmsg, socket, headerAddress, flags, 0, 0, 0);
}

/** True where a send has failed only because it would have had to wait. */
export function wouldBlock(result: number): boolean {
  return result === -Errno.EAGAIN;
}
