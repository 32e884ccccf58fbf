/** Whether a call may reach its destination, and with which address the supervisor is to call. */
import { Errno } from '../../linux/errno.ts';
import { AT_FDCWD, S_IFMT, S_IFSOCK, W_OK, accessDescriptor, fileMode } from '../../linux/files.ts';
import { close } from '../../linux/libc.ts';
import { mappedAddress } from '../../linux/internet-sockets.ts';
import { AF_INET6, AF_UNIX, UNIX_PATH_OFFSET, localAddress, socketCookie } from '../../linux/sockets.ts';
import { syscallName } from '../../linux/syscalls.ts';
import { datagramSocketsAt } from '../../linux/inet-diag.ts';
import { hasReachable, reachableAt } from '../../linux/unix-diag.ts';
import {
  asksForSource,
  destinationOf,
  internetAddressOf,
  type InternetDestination,
  type SocketUse,
} from '../../judge/destination.ts';
import type { NetworkRules } from '../../judge/network.ts';
import { OWN_PORT } from '../../judge/network.ts';
import { OWN_SOCKET } from '../../judge/unix-sockets.ts';
import { PERFORM, type Verdict } from '../../judge/verdict.ts';
import type { AddressBytes } from '../../policy/policy.ts';
import type { ReportedObject } from '../../report/event.ts';
import { allowed, refused, isTrusted, untrusted } from '../context.ts';
import { SUCCESS, fail, type Referral, type Reply } from '../referral.ts';
import { resolveObject } from '../target/resolve.ts';
import type { NetworkContext } from './context.ts';
import { INTERFACE_RULE, isBoundAstray } from './interface.ts';
import { isAtHome, isLoopback, whoListens } from './loopback.ts';
import type { NameService } from './names/name-service.ts';
import { isDatagram, isTcp, type TargetSocket } from './target-socket.ts';

const ALLOWED_RULE = 'allowed destination';
const NOT_LED_RULE = 'a resolver that cannot be asked in its place';

/** A place on this host that is closed, but for what is the sandbox's own there. */
export interface Inside {
  readonly destination: InternetDestination;
  /** Why it is closed else. */
  readonly rule: string;
}

/** A destination that may be reached. */
export interface Reachable {
  readonly kind: 'reachable';
  readonly address: Buffer;
  /** Keeps the Unix socket that the address means; -1: nothing. Whoever got it closes it. */
  readonly held: number;
  /** An abstract name that must still be the sandbox's after a connect. */
  readonly name: Buffer | undefined;
  /** Where it must be a socket of the sandbox that answers a connect, or takes a datagram. */
  readonly inside: Inside | undefined;
  /** The host, where it is one that was judged. */
  readonly host: AddressBytes | undefined;
}

/** @returns where to call, or the reply that refuses */
export function reach(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  address: Buffer,
  use: SocketUse,
): Reachable | Reply {
  const destination = destinationOf(socket.kind, address, use, () => {
    const local = localAddress(socket.descriptor);
    return typeof local === 'number' ? undefined : local;
  });
  switch (destination.kind) {
    case 'nobody':
    case 'kernel':
      return reachable(address);
    case 'other':
      return decide(referral, context, use, context.network.judgeOther(), { kind: 'none' }, address);
    case 'internet': {
      if (context.names?.isResolver(destination) === true) {
        const led = leadToStub(referral, context, context.names, socket, destination, use);
        if (led !== undefined) return led;
      }
      const { protocol } = destination;
      const port = usablePort(context.network, destination, use);
      const verdict = context.network.judge(destination.address, port, protocol);
      const own = context.network.anyAddress ? address : Buffer.from(destination.bytes);
      // Behind the family, whichever it is.
      if (port !== destination.port) own.writeUInt16BE(port, 2);
      const host = destination.address;
      const names = context.network.namesOf(host);
      const reported = {
        kind: 'address',
        address: host,
        port,
        protocol,
        ...(names.length > 0 && { names }),
      } as const;
      const asks = use.kind === 'connect' && asksForSource(protocol, port);
      // Who asks for its own address takes that for an answer. No port would do where only TCP is allowed.
      if (asks && verdict.kind === 'refuse' && context.network.allowedPort(host, 'tcp') !== undefined)
        return fail(Errno.ENETUNREACH);
      if (verdict.kind === 'refuse' && isDatagram(socket) && isLoopback(host) && !asks) {
        const inside = { destination, rule: verdict.rule };
        return { ...reachable(Buffer.from(destination.bytes), -1, host), inside };
      }
      if (verdict.kind === 'refuse' && use.kind === 'connect') {
        const listens = whoListens(context.bound, socket, destination);
        if (listens === 'nobody') return fail(Errno.ECONNREFUSED);
        if (listens === 'inside') {
          const decision = decide(referral, context, use, PERFORM, reported, Buffer.from(destination.bytes));
          const inside = { destination, rule: verdict.rule };
          return decision.kind === 'reachable' ? { ...decision, inside } : decision;
        }
      }
      const leads = verdict.kind !== 'refuse' && !context.network.anyAddress;
      if (leads && isBoundAstray(socket, use, host, destination.scope))
        return refused(referral, context, use.kind, reported, INTERFACE_RULE);
      const rule =
        context.reporter.wantsAllowed && isOwn(context, socket, destination) ? OWN_PORT : undefined;
      return decide(referral, context, use, verdict, reported, own, host, rule);
    }
    case 'unix-abstract': {
      const { name } = destination;
      const isOurs = context.bound.hasName(socket.kind.type, name);
      const verdict = context.unix.judgeName(name, isOurs);
      if (verdict.kind === 'refuse' && !hasReachable(socket.kind.type, name)) return fail(Errno.ECONNREFUSED);
      const reported = { kind: 'unix-abstract', name } as const;
      const decision = decide(referral, context, use, verdict, reported, address, undefined, ruleOf(isOurs));
      return decision.kind === 'reachable' && isOurs ? { ...decision, name } : decision;
    }
    case 'unix-path':
      return reachPath(referral, context, socket, use, destination.path);
  }
}

/**
 * A resolver is asked in the program's place: what is meant for it goes to a stub of ours. Undefined where nothing allows names, and the
 * resolver neither, or where it cannot be and nothing is restricted: then it is a destination as others are.
 */
function leadToStub(
  referral: Referral,
  context: NetworkContext,
  names: NameService,
  socket: TargetSocket,
  destination: InternetDestination,
  use: SocketUse,
): Reachable | Reply | undefined {
  const { address, port, protocol } = destination;
  if (protocol !== 'tcp' && protocol !== 'udp') return undefined;
  if (!names.allowsNames && context.network.judge(address, port, protocol).kind === 'refuse')
    return undefined;
  const object = { kind: 'address', address, port, protocol } as const;
  const { anyAddress } = context.network;
  const notLed = (): Reply | undefined =>
    anyAddress ? undefined : refused(referral, context, use.kind, object, NOT_LED_RULE);
  // Nobody is led by data that goes with the first packet: as where that is switched off (tcp_fastopen).
  if (isTcp(socket) && use.kind === 'send') return fail(Errno.EOPNOTSUPP);
  // From another network, or bound to an interface, it would not arrive; other kinds of sockets could have other ways.
  const isPlain = isTcp(socket) || isDatagram(socket);
  if (!isPlain || !isAtHome(socket.descriptor)) return notLed();
  const cookie = socketCookie(socket.descriptor);
  const thread = { tid: referral.tid, call: syscallName(referral.number) ?? 'connect' };
  const own = typeof cookie === 'bigint' ? names.lead(destination, cookie, thread) : undefined;
  if (own === undefined) return notLed();
  if (context.reporter.wantsAllowed) allowed(referral, context, use.kind, object, SUCCESS, ALLOWED_RULE);
  // Where it really goes, which an interface that a message names must lead to.
  const host = internetAddressOf(own)?.address;
  return reachable(socket.kind.domain === AF_INET6 ? mappedAddress(own) : own, -1, host);
}

/**
 * A UDP socket is connected to such a port by who wants to know its own address then, and sends nothing (getaddrinfo(3), which
 * sorts by it). It could, so where ports are restricted the socket gets an allowed one.
 */
function usablePort(
  network: NetworkRules,
  { address, port, protocol }: InternetDestination,
  use: SocketUse,
): number {
  if (use.kind !== 'connect' || !asksForSource(protocol, port)) return port;
  if (network.judge(address, port, protocol).kind !== 'refuse') return port;
  return network.allowedPort(address, 'udp') ?? port;
}

function reachable(address: Buffer, held = -1, host?: AddressBytes): Reachable {
  return { kind: 'reachable', address, held, name: undefined, inside: undefined, host };
}

function decide(
  referral: Referral,
  context: NetworkContext,
  use: SocketUse,
  verdict: Verdict,
  object: ReportedObject,
  address: Buffer,
  host?: AddressBytes,
  rule = ALLOWED_RULE,
): Reachable | Reply {
  if (verdict.kind === 'refuse') return refused(referral, context, use.kind, object, verdict.rule);
  if (context.reporter.wantsAllowed) allowed(referral, context, use.kind, object, SUCCESS, rule);
  return reachable(address, -1, host);
}

function ruleOf(isOurs: boolean): string {
  return isOurs ? OWN_SOCKET : ALLOWED_RULE;
}

/** Whether all that is at a place on this host is the sandbox's own, so that it is reached under every policy. */
function isOwn({ bound }: NetworkContext, socket: TargetSocket, destination: InternetDestination): boolean {
  const { address, port } = destination;
  if (!isDatagram(socket)) return whoListens(bound, socket, destination) === 'inside';
  const found = isLoopback(address) && port !== 0 ? datagramSocketsAt({ address, port }) : undefined;
  return found !== undefined && found.length > 0 && found.every((cookie) => bound.datagrams.has(cookie));
}

/** A socket in the file system: found in the target's view, and reached by what was found. */
function reachPath(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  use: SocketUse,
  path: Buffer,
): Reachable | Reply {
  if (!isTrusted(referral, context))
    return untrusted(referral, context, use.kind, { kind: 'unix-path', path });
  const object = resolveObject(referral.tid, context.members, AT_FDCWD, path, true);
  if (object.kind === 'error') return fail(object.errno);
  const { descriptor } = object;
  const isOurs = context.bound.hasInode(descriptor);
  const verdict = context.unix.judgePath(object.path, isOurs);
  const error = verdict.kind === 'refuse' ? kernelError(socket, descriptor) : undefined;
  if (error !== undefined) {
    close(descriptor);
    return fail(error);
  }
  const reported = { kind: 'unix-path', path: object.path } as const;
  const own = addressOfHeld(descriptor);
  const decision = decide(referral, context, use, verdict, reported, own, undefined, ruleOf(isOurs));
  if (decision.kind === 'reachable') return { ...decision, held: descriptor };
  close(descriptor);
  return decision;
}

/** The error that the kernel would have had: programs start a server anew where an old socket file has none any more. */
function kernelError({ kind }: TargetSocket, descriptor: number): number | undefined {
  const access = accessDescriptor(descriptor, W_OK);
  if (access < 0) return -access;
  if ((fileMode(descriptor) & S_IFMT) !== S_IFSOCK) return Errno.ECONNREFUSED;
  switch (reachableAt(kind.type, descriptor)) {
    case 'nobody':
      return Errno.ECONNREFUSED;
    case 'other type':
      return Errno.EPROTOTYPE;
    case 'taken':
    case 'unknown':
      return undefined;
  }
}

/** The address of the very file that a descriptor holds, whatever its names mean by now. */
function addressOfHeld(descriptor: number): Buffer {
  const path = Buffer.from(`/proc/self/fd/${descriptor}\0`);
  const address = Buffer.alloc(UNIX_PATH_OFFSET + path.length);
  address.writeUInt16LE(AF_UNIX);
  address.set(path, UNIX_PATH_OFFSET);
  return address;
}
