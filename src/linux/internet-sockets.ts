/** Sockets of our own for the internet protocols (socket(2), recv(2), accept(2), ip(7), ipv6(7)). None of them waits. */
import { Errno } from './errno.ts';
import { addressOf, close, syscall } from './libc.ts';
import {
  AF_INET,
  AF_INET6,
  LONGEST_ADDRESS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  bind,
  send,
} from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const SOCK_NONBLOCK = 0x800;
const LONGEST_MESSAGE = 65_536;

const data = Buffer.from(new ArrayBuffer(LONGEST_MESSAGE));
const dataAddress = Number(addressOf(data));
const name = Buffer.from(new ArrayBuffer(LONGEST_ADDRESS));
const nameAddress = Number(addressOf(name));
const length = Buffer.from(new ArrayBuffer(8));
const lengthAddress = Number(addressOf(length));

/** A descriptor, or a negated error number. */
export function openInternetSocket(domain: number, type: number): number {
  return syscall(X86_64.socket, domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
}

/** The next connection of a listener, or a negated error number: EAGAIN where there is none. */
export function accept(socket: number): number {
  return syscall(X86_64.accept4, socket, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0);
}

/**
 * What has arrived, copied, and from whom (struct sockaddr); or a negated error number: EAGAIN where nothing has.
 * @param most bytes
 */
export function receive(
  socket: number,
  most = LONGEST_MESSAGE,
): { readonly bytes: Buffer; readonly from: Buffer } | number {
  length.writeUInt32LE(LONGEST_ADDRESS);
  const result = syscall(
    X86_64.recvfrom,
    socket,
    dataAddress,
    Math.min(most, LONGEST_MESSAGE),
    MSG_DONTWAIT,
    nameAddress,
    lengthAddress,
  );
  if (result < 0) return result;
  const size = Math.min(length.readUInt32LE(0), LONGEST_ADDRESS);
  return { bytes: Buffer.from(data.subarray(0, result)), from: Buffer.from(name.subarray(0, size)) };
}

/**
 * Sends without waiting, and without a signal where nobody reads.
 * @param to struct sockaddr; undefined: the peer
 * @returns how many bytes were taken, or a negated error number
 */
export function transmit(socket: number, bytes: Buffer, to?: Uint8Array): number {
  if (bytes.length > LONGEST_MESSAGE) throw new RangeError('a message is too long');
  data.set(bytes);
  return send(socket, dataAddress, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, to, undefined);
}

/** Whether an address is one of this host's: a socket can be bound to it. */
export function isOwnAddress(address: Uint8Array): boolean {
  const socket = openInternetSocket(address.length === 4 ? AF_INET : AF_INET6, SOCK_DGRAM);
  if (socket < 0) return true;
  const result = bind(socket, socketAddress(address, 0));
  close(socket);
  return result !== -Errno.EADDRNOTAVAIL;
}

/** struct sockaddr_in, or sockaddr_in6. */
export function socketAddress(address: Uint8Array, port: number, scope = 0): Buffer {
  const bytes = Buffer.alloc(address.length === 4 ? 16 : 28);
  bytes.writeUInt16LE(address.length === 4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address, address.length === 4 ? 4 : 8);
  if (address.length === 16) bytes.writeUInt32LE(scope, 24);
  return bytes;
}

/** The same address as an IPv6 socket has it: IPv4 within IPv6. */
export function mappedAddress(address: Buffer): Buffer {
  if (address.readUInt16LE(0) !== AF_INET) return address;
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(address.readUInt16BE(2), 2);
  bytes.fill(0xff, 18, 20);
  bytes.set(address.subarray(4, 8), 20);
  return bytes;
}
