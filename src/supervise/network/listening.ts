/** bind(2) and listen(2) under a policy about where a program may listen. */
import { Errno } from '../../linux/errno.ts';
import { TcpState } from '../../linux/inet-diag.ts';
import { close, syscall } from '../../linux/libc.ts';
import {
  AF_INET,
  AF_NETLINK,
  AF_UNIX,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SOL_SOCKET,
  bind,
  connect,
  integerOption,
  listen,
  localAddress,
  setIntegerOption,
  tcpState,
} from '../../linux/sockets.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { hasListenRules, listenPlaceOf, type ListenPlace } from '../../judge/listening.ts';
import { refused } from '../context.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import type { NetworkContext } from './context.ts';
import { isInternet } from './interface.ts';
import { addListener, markListener } from './loopback.ts';
import { hasPort, type TargetSocket } from './target-socket.ts';

const SOCK_CLOEXEC = 0x8_0000;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const FAMILY_RULE = 'not an ordinary family or protocol';
/** sizeof(struct sockaddr_in) and of struct sockaddr_in6. */
const [IPV4_SIZE, IPV6_SIZE] = [16, 28];

/** The reply that refuses a bind of a socket that is no Unix socket; undefined: it may be done. */
export function refusedBind(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  address: Buffer,
): Reply | undefined {
  const { listening } = context;
  const { kind } = socket;
  if (!listening.restricted || kind.domain === AF_UNIX || kind.domain === AF_NETLINK) return undefined;
  // Handed in: none that is made inside has another family.
  if (!hasListenRules(kind)) return refused(referral, context, 'bind', { kind: 'none' }, FAMILY_RULE);
  const place = listenPlaceOf(kind, address);
  // A client chooses its source address so. What would listen then is asked about by listen(2).
  if (place === undefined || place.port === 0) return undefined;
  const verdict = listening.judge(place);
  if (verdict.kind !== 'refuse') return undefined;
  const error = hasPort(socket) ? Errno.EINVAL : errorOfBind(socket, address);
  if (error !== 0) return fail(error);
  return refused(referral, context, 'bind', reported(place), verdict.rule);
}

/**
 * The error that the kernel would have had: asked of a socket of our own, which has the port for these microseconds. Where the port could be
 * shared by datagrams it would take some of somebody else's.
 */
function errorOfBind({ descriptor, kind }: TargetSocket, address: Buffer): number {
  const option = (level: number, name: number): number => integerOption(descriptor, level, name);
  if (option(SOL_SOCKET, SO_REUSEPORT) !== 0) return 0;
  const reuses = option(SOL_SOCKET, SO_REUSEADDR);
  if (kind.type === SOCK_DGRAM && reuses !== 0) return 0;
  const ours = syscall(X86_64.socket, kind.domain, kind.type | SOCK_CLOEXEC, kind.protocol, 0, 0, 0);
  if (ours < 0) return 0;
  setIntegerOption(ours, SOL_SOCKET, SO_REUSEADDR, reuses);
  if (kind.domain !== AF_INET)
    setIntegerOption(ours, IPPROTO_IPV6, IPV6_V6ONLY, option(IPPROTO_IPV6, IPV6_V6ONLY));
  const result = bind(ours, address);
  close(ours);
  return result < 0 ? -result : 0;
}

/** listen(2) where that is restricted, of any socket but those of datagrams, which have none. */
export function listenWhereAllowed(referral: Referral, context: NetworkContext, socket: TargetSocket): Reply {
  const { descriptor, kind } = socket;
  if (!isInternet(socket) || kind.type === SOCK_DGRAM) return CONTINUE_CALL;
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  if (kind.protocol === IPPROTO_TCP) {
    const state = tcpState(descriptor);
    if (state !== TcpState.close && state !== TcpState.listen) return fail(Errno.EINVAL);
  }
  const hadPort = hasPort(socket);
  // What has not come to listen has no port, and none that the kernel gave is taken from it again.
  const anywhere = hadPort ? undefined : closedAnywhere(context, socket);
  if (anywhere !== undefined) return refuse(referral, context, anywhere);
  // As listen(2) itself would: a port of the kernel's choice, at every address. Nobody is heard by that yet.
  const isBound = hadPort ? 0 : bind(descriptor, everywhere(kind.domain));
  if (isBound < 0) return resultReply(isBound);
  const closed = closedPlace(context, socket);
  if (closed !== undefined) return refuse(referral, context, closed);
  if (!hadPort && !context.network.anyAddress) markListener(socket);
  const result = listen(descriptor, referral.int(1));
  if (result !== 0) return resultReply(result);
  // Another thread may have had the address given up in between: what listens has it to the end.
  const moved = closedPlace(context, socket);
  if (moved !== undefined) {
    connect(descriptor, new Uint8Array(IPV4_SIZE));
    return refuse(referral, context, moved);
  }
  if (!hadPort) addListener(context.bound, socket);
  return resultReply(result);
}

/** Where a socket without a port would listen, if it may not: told by one of our own, which the kernel gives such a port. */
function closedAnywhere(context: NetworkContext, { kind }: TargetSocket): ClosedPlace | undefined {
  const ours = syscall(X86_64.socket, kind.domain, kind.type | SOCK_CLOEXEC, kind.protocol, 0, 0, 0);
  if (ours < 0) return undefined;
  const closed =
    bind(ours, everywhere(kind.domain)) < 0 ? undefined : closedPlace(context, { descriptor: ours, kind });
  close(ours);
  return closed;
}

/** Where a socket would listen, or does, if it may not. */
function closedPlace(
  { listening }: NetworkContext,
  { descriptor, kind }: Pick<TargetSocket, 'descriptor' | 'kind'>,
): ClosedPlace | undefined {
  const local = localAddress(descriptor);
  const place = typeof local === 'number' ? undefined : listenPlaceOf(kind, Buffer.from(local));
  if (place === undefined) return { place: undefined, rule: FAMILY_RULE };
  const verdict = listening.judge(place);
  return verdict.kind === 'refuse' ? { place, rule: verdict.rule } : undefined;
}

interface ClosedPlace {
  readonly place: ListenPlace | undefined;
  readonly rule: string;
}

function refuse(referral: Referral, context: NetworkContext, { place, rule }: ClosedPlace): Reply {
  return refused(referral, context, 'bind', place ? reported(place) : { kind: 'none' }, rule);
}

function reported({ address, port, protocol }: ListenPlace): {
  readonly kind: 'address';
  readonly address: ListenPlace['address'];
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
} {
  return { kind: 'address', address: Uint8Array.from(address), port, protocol };
}

function everywhere(domain: number): Buffer {
  const address = Buffer.alloc(domain === AF_INET ? IPV4_SIZE : IPV6_SIZE);
  address.writeUInt16LE(domain);
  return address;
}
