/** The way that packets to an address take: the kernel's own word (rtnetlink(7), RTM_GETROUTE). */
import { Errno } from './errno.ts';
import { addressOf, close, syscall } from './libc.ts';
import { AF_INET, AF_INET6, AF_NETLINK, MSG_DONTWAIT, SOCK_RAW } from './sockets.ts';
import { X86_64 } from './syscalls.ts';

const SOCK_CLOEXEC = 0x8_0000;
const NETLINK_ROUTE = 0;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const RTA_DST = 1;
const RTA_OIF = 4;
/** In struct nlmsgerr, behind struct nlmsghdr. */
const ERROR = 16;
/** In struct rtmsg, behind struct nlmsghdr. */
const TYPE = 23;
/** struct nlmsghdr and struct rtmsg; attributes follow. */
const ATTRIBUTES = 28;
const RTN_LOCAL = 2;

export interface Route {
  /** The number of the interface. */
  readonly interface: number;
  /** It ends on this host. */
  readonly isLocal: boolean;
}

const request = Buffer.from(new ArrayBuffer(64));
const requestAddress = Number(addressOf(request));
const reply = Buffer.from(new ArrayBuffer(4096));
const replyAddress = Number(addressOf(reply));

/**
 * The route to a destination, for a socket that is not bound.
 * @param address four bytes or sixteen
 * @param by the number of an interface that the route must take; 0: any
 * @returns a negated error number where there is no route, or none is told
 */
export function routeTo(address: Uint8Array, by = 0): Route | number {
  const socket = syscall(X86_64.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE, 0, 0, 0);
  if (socket < 0) return socket;
  const size = writeRequest(address, by);
  const sent = syscall(X86_64.sendto, socket, requestAddress, size, MSG_DONTWAIT, 0, 0);
  // The kernel has answered when the request is sent.
  const received =
    sent < 0 ? sent : syscall(X86_64.recvfrom, socket, replyAddress, reply.length, MSG_DONTWAIT, 0, 0);
  close(socket);
  return received < 0 ? received : readReply(received);
}

/** Returns its size. */
function writeRequest(address: Uint8Array, by: number): number {
  const destination = 4 + address.length;
  const size = ATTRIBUTES + destination + (by === 0 ? 0 : 8);
  request.fill(0);
  request.writeUInt32LE(size, 0);
  request.writeUInt16LE(RTM_GETROUTE, 4);
  request.writeUInt16LE(NLM_F_REQUEST, 6);
  request[16] = address.length === 4 ? AF_INET : AF_INET6;
  request[17] = 8 * address.length;
  request.writeUInt16LE(destination, ATTRIBUTES);
  request.writeUInt16LE(RTA_DST, ATTRIBUTES + 2);
  request.set(address, ATTRIBUTES + 4);
  if (by === 0) return size;
  request.writeUInt16LE(8, ATTRIBUTES + destination);
  request.writeUInt16LE(RTA_OIF, ATTRIBUTES + destination + 2);
  request.writeInt32LE(by, ATTRIBUTES + destination + 4);
  return size;
}

function readReply(size: number): Route | number {
  const kind = size < ATTRIBUTES ? undefined : reply.readUInt16LE(4);
  if (kind === NLMSG_ERROR) return Math.min(reply.readInt32LE(ERROR), -1);
  if (kind !== RTM_NEWROUTE) return -Errno.EPROTO;
  for (let at = ATTRIBUTES; at + 8 <= size;) {
    const length = reply.readUInt16LE(at);
    if (length < 4) break;
    if (reply.readUInt16LE(at + 2) === RTA_OIF)
      return { interface: reply.readInt32LE(at + 4), isLocal: reply[TYPE] === RTN_LOCAL };
    at += (length + 3) & ~3;
  }
  return -Errno.EPROTO;
}
