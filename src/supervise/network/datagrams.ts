/**
 * Datagrams between processes of the sandbox by way of this host's loopback address, under policies that close it: what got its port inside
 * may be sent to from inside, one datagram after the other (`sendInside`), or connected to (`connectDatagram`, `bindDatagram`).
 */
import { Errno } from '../../linux/errno.ts';
import { close } from '../../linux/libc.ts';
import { IPPROTO_UDP, MSG_MORE, bind, connect, integerOption, socketCookie } from '../../linux/sockets.ts';
import { internetAddressOf } from '../../judge/destination.ts';
import { OWN_PORT } from '../../judge/network.ts';
import { allowed, refused } from '../context.ts';
import { SUCCESS, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { UDP_CORK, connectToItself, disconnect, flush, type Sender } from './associations.ts';
import type { NetworkContext } from './context.ts';
import type { Inside, Reachable } from './reach.ts';
import { withReceivers } from './receivers.ts';
import { hasPort, isDatagram, type TargetSocket } from './target-socket.ts';
import type { AroundSend } from './transmission.ts';

/**
 * Makes a call on a socket that may get its port by that, and remembers it then.
 * @param descriptor its number in the target
 */
function notingPort(
  { bound }: NetworkContext,
  socket: TargetSocket,
  owner: { readonly tid: number; readonly descriptor: number },
  call: () => number,
): number {
  // Who had one before has it from outside, or is known.
  const hadPort = hasPort(socket);
  const result = call();
  // Also by a call that failed.
  if (!hadPort && hasPort(socket)) bound.datagrams.note(socket.descriptor, owner);
  return result;
}

/**
 * One try to send to a socket of the sandbox.
 * @param attempt sends, without waiting
 * @returns the result of send(2): a negated error number, EPERM where it was refused, and told
 */
function sendInside(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  { destination, rule }: Inside,
  flags: number,
  attempt: () => number,
): number {
  const { address, port, protocol } = destination;
  const reported = { kind: 'address', address, port, protocol } as const;
  const refuse = (why: string): number => {
    refused(referral, context, 'send', reported, why);
    return -Errno.EPERM;
  };
  // What is sent later goes to whoever has the port then.
  const isLater = (flags & MSG_MORE) !== 0 || integerOption(socket.descriptor, IPPROTO_UDP, UDP_CORK) !== 0;
  if (isLater) return refuse('a datagram for this host that is held back (MSG_MORE, UDP_CORK)');
  const result = withReceivers(context, socket, destination, () => {
    const sent = attempt();
    // Another thread may have had it held back.
    flush(socket.descriptor);
    return sent;
  });
  // Who gets the port next is nobody of whom anything is known.
  if (result === 'outside' || result === 'nobody') return refuse(rule);
  if (context.reporter.wantsAllowed) allowed(referral, context, 'send', reported, SUCCESS, OWN_PORT);
  return result;
}

/** What a send on a socket needs besides; undefined: nothing. */
export function aroundSend(
  context: NetworkContext,
  socket: TargetSocket,
  inside: Inside | undefined,
): AroundSend | undefined {
  if (!isDatagram(socket) || !notesPorts(context)) return undefined;
  return (referral, flags, attempt) =>
    notingPort(context, socket, { tid: referral.tid, descriptor: referral.int(0) }, () =>
      inside === undefined ? attempt() : sendInside(referral, context, socket, inside, flags, attempt),
    );
}

/** Whether it counts which sockets got their ports inside: where addresses are closed, and where somebody is told of those that are reached. */
export function notesPorts({ network, reporter }: NetworkContext): boolean {
  return !network.anyAddress || reporter.wantsAllowed;
}

/** connect(2) of a UDP socket: it never waits. */
export function connectDatagram(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  { address, inside }: Reachable,
): Reply {
  const { associations, datagrams } = context.bound;
  const { descriptor } = socket;
  associations.sweep(datagrams, context.members);
  const cookie = socketCookie(descriptor);
  if (typeof cookie === 'number') return fail(-cookie);
  if (associations.wouldLeave(cookie, descriptor, address))
    return refused(
      referral,
      context,
      'connect',
      { kind: 'none' },
      'others inside are connected to this socket',
    );
  const owner = { tid: referral.tid, descriptor: referral.int(0) };
  const result = notingPort(context, socket, owner, () => {
    if (inside !== undefined) return associate(context, socket, inside, address);
    const result = connect(descriptor, address);
    if (result === 0) associations.moved(socket);
    return result;
  });
  if (inside !== undefined) {
    const { address: host, port, protocol } = inside.destination;
    const reported = { kind: 'address', address: host, port, protocol } as const;
    if (result === -Errno.EPERM) return refused(referral, context, 'connect', reported, inside.rule);
    if (context.reporter.wantsAllowed)
      return allowed(referral, context, 'connect', reported, resultReply(result), OWN_PORT);
  }
  return resultReply(result);
}

/** EPERM where somebody outside is there. */
function associate(
  context: Pick<NetworkContext, 'bound' | 'members'>,
  socket: TargetSocket,
  { destination }: Pick<Inside, 'destination'>,
  address: Uint8Array,
): number {
  const { associations } = context.bound;
  if (!associations.hasRoom) return -Errno.EPERM;
  const result = withReceivers(context, socket, destination, (cookies, held) => {
    const connected = connect(socket.descriptor, address);
    if (connected === 0) associations.moved(socket, { destination, cookies, held });
    return connected;
  });
  if (result === 'outside') return -Errno.EPERM;
  return result === 'nobody' ? -Errno.ECONNREFUSED : result;
}

/**
 * bind(2) of a UDP socket. Where we alone have kept the port taken, for those that are connected to it, they are connected to the new
 * one, as they would be.
 */
export function bindDatagram(
  context: NetworkContext,
  socket: TargetSocket,
  owner: { readonly tid: number; readonly descriptor: number },
  address: Uint8Array,
): number {
  const { associations, datagrams } = context.bound;
  associations.sweep(datagrams, context.members);
  const attempt = (): number => notingPort(context, socket, owner, () => bind(socket.descriptor, address));
  const result = attempt();
  const port = result === -Errno.EADDRINUSE ? internetAddressOf(Buffer.from(address))?.port : undefined;
  const senders = port === undefined ? undefined : associations.sendersTo(port);
  if (senders === undefined || senders.size === 0) return result;
  const copies = [...senders].map(([cookie, sender]) => ({
    sender,
    descriptor: datagrams.hold(cookie, context.members),
  }));
  const isComplete = copies.every(({ descriptor }) => descriptor >= 0);
  const again = isComplete ? bindBehind(context, copies, attempt) : result;
  for (const { descriptor } of copies) if (descriptor >= 0) close(descriptor);
  return again;
}

/** Meanwhile they are connected to themselves, so that nobody gets what they send. */
function bindBehind(
  context: NetworkContext,
  copies: readonly { readonly sender: Sender; readonly descriptor: number }[],
  attempt: () => number,
): number {
  for (const { sender, descriptor } of copies) {
    if (!connectToItself(descriptor)) disconnect(descriptor);
    context.bound.associations.moved({ descriptor, kind: sender.kind });
  }
  const result = attempt();
  for (const { sender, descriptor } of copies) {
    const socket = { descriptor, kind: sender.kind };
    if (associate(context, socket, sender, sender.destination.bytes) !== 0) disconnect(descriptor);
  }
  return result;
}
