/** connect(2), performed on the target's socket with an address of our own. */
import { Errno } from '../../linux/errno.ts';
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../../linux/files.ts';
import { close, fcntl, syscall } from '../../linux/libc.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SO_ERROR,
  connect as connectOurs,
  sendTimeout,
  socketKind,
  socketOption,
} from '../../linux/sockets.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { copyDescriptor } from '../target/descriptor.ts';
import type { PendingCall } from '../pending.ts';
import { refused } from '../context.ts';
import { PENDING, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { noteAutobind } from './autobind.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { reach, type Reachable } from './reach.ts';
import { interruption } from '../interruption.ts';
import { InsideConnect } from './inside-connect.ts';
import { connectDatagram, notesPorts } from './datagrams.ts';
import { closeSocket, isDatagram, readAddress, type TargetSocket } from './target-socket.ts';
import { closeLingering, within } from '../watch.ts';

const POLLOUT = 4;
const SHUT_RDWR = 2;

/** How long the kernel may wait in a connect that is not to wait at all, once it had to be interrupted. */
const CONNECT_LIMIT = 10;
/** So often a target may make its socket block while its connect is tried: who does so by chance does it once. */
const MOST_INTERRUPTIONS = 3;

/** The order of errors is the kernel's: the descriptor, the address, whether it is a socket. */
export const connect: NetworkHandler = (referral, context) => {
  const descriptor = copyDescriptor(referral.tid, referral.int(0));
  if (descriptor < 0) return fail(-descriptor);
  const address = readAddress(referral.tid, referral.pointer(1), referral.int(2));
  const kind = typeof address === 'number' ? address : socketKind(descriptor);
  if (typeof address === 'number' || typeof kind === 'number') {
    closeLingering(descriptor);
    return fail(-Number(kind));
  }
  const socket: TargetSocket = { descriptor, kind };
  const reply = connectCopy(referral, context, socket, address);
  if (reply !== PENDING) closeSocket(socket);
  return reply;
};

function connectCopy(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  address: Buffer,
): Reply {
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  const target = reach(referral, context, socket, address, { kind: 'connect' });
  if (target.kind !== 'reachable') return target;
  if (isDatagram(socket) && notesPorts(context)) return connectDatagram(referral, context, socket, target);
  const attempt =
    target.inside === undefined
      ? new ConnectAttempt(context, socket, target)
      : new InsideConnect(context, socket, target, target.inside.destination);
  const reply = attempt.begin(referral);
  if (reply !== PENDING && target.held >= 0) close(target.held);
  return reply;
}

/** One connect: tried without blocking, and waited for where the target's socket blocks. */
class ConnectAttempt implements PendingCall {
  readonly #context: NetworkContext;
  readonly #socket: TargetSocket;
  readonly #target: Reachable;
  /** What the first try said: the answer when the time is up. */
  #first = 0;
  #referral: Referral | undefined;
  #timeout = Infinity;
  #interruptions = 0;
  /** The name could not change hands in the last connect(2). */
  #wasHeld = false;

  constructor(context: NetworkContext, socket: TargetSocket, target: Reachable) {
    this.#context = context;
    this.#socket = socket;
    this.#target = target;
  }

  begin(referral: Referral): Reply {
    const { descriptor } = this.#socket;
    const mayBlock = this.#mayBlock();
    const result = mayBlock ? this.#tryOnce() : this.#connect(false);
    const waits = mayBlock || this.#interruptions > 0;
    if (!waits || !this.#isUnderWay(result)) return this.#finish(result);
    this.#first = result;
    this.#referral = referral.detach();
    this.#timeout = sendTimeout(descriptor);
    this.#context.pending.add(this);
    return PENDING;
  }

  get referral(): Referral {
    if (this.#referral === undefined) throw new Error('the connect does not wait');
    return this.#referral;
  }

  /** An unconnected Unix socket is always writable: only trying tells. */
  get descriptor(): number {
    return this.#socket.kind.domain === AF_UNIX ? -1 : this.#socket.descriptor;
  }

  readonly events = POLLOUT;

  get timeout(): number {
    return this.#timeout;
  }

  attempt(): Reply | 'stuck' {
    if (this.#interruptions >= MOST_INTERRUPTIONS) {
      const rule = 'the socket was made to block while it was connected';
      return refused(this.referral, this.#context, 'connect', { kind: 'none' }, rule);
    }
    const result = this.#asksAgain() ? this.#tryOnce() : this.#error();
    if (this.#isUnderWay(result)) return 'stuck';
    return this.#finish(result === -Errno.EISCONN && this.#asksAgain() ? 0 : result);
  }

  expired(): Reply {
    return resultReply(this.#first);
  }

  interrupted(restart: boolean): Reply {
    return interruption(this.#timeout, restart);
  }

  release(): void {
    closeSocket(this.#socket);
    if (this.#target.held >= 0) close(this.#target.held);
  }

  /** A datagram socket never waits in connect(2); a non-blocking one is the target's own wish. */
  #mayBlock(): boolean {
    if (this.#socket.kind.type === SOCK_DGRAM) return false;
    const flags = fcntl(this.#socket.descriptor, F_GETFL, 0);
    return flags >= 0 && (flags & O_NONBLOCK) === 0;
  }

  /** O_NONBLOCK belongs to the open file, which the target shares: set for this one try only. */
  #tryOnce(): number {
    const { descriptor } = this.#socket;
    const flags = fcntl(descriptor, F_GETFL, 0);
    if (flags < 0) return flags;
    const set = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    if (set < 0) return set;
    const result = this.#isStillOurs() ? this.#connect(this.#asksAgain()) : -Errno.ECONNREFUSED;
    fcntl(descriptor, F_SETFL, flags);
    return result;
  }

  /**
   * One connect(2) that does not wait. Where the target makes it wait, by setting the socket back, it is interrupted.
   * @param again on this host the handshake is over at once, though the first answer does not say so yet
   */
  #connect(again: boolean): number {
    const { name } = this.#target;
    if (name === undefined) return this.#connectOnce(again);
    // While we have the socket too, nobody else can have its name; it may well be closed once it was reached.
    const held = this.#context.bound.holdName(this.#socket.kind.type, name, this.#context.members);
    const result = this.#connectOnce(again);
    if (held >= 0) close(held);
    this.#wasHeld = held >= 0;
    return result;
  }

  #connectOnce(again: boolean): number {
    const { descriptor, kind } = this.#socket;
    const { address } = this.#target;
    if (kind.type === SOCK_DGRAM) return connectOurs(descriptor, address);
    const attempt = (): number => {
      const first = connectOurs(descriptor, address);
      const second = again && first === -Errno.EINPROGRESS ? connectOurs(descriptor, address) : first;
      return second === -Errno.EALREADY ? first : second;
    };
    const { blocking } = this.#context;
    const result = blocking.seen ? within(CONNECT_LIMIT, attempt) : attempt();
    if (result !== -Errno.EINTR) return result;
    blocking.seen = true;
    this.#interruptions += 1;
    // A Unix socket is as it was; of others the connection is on its way.
    return kind.domain === AF_UNIX ? -Errno.EAGAIN : -Errno.EALREADY;
  }

  #isUnderWay(result: number): boolean {
    if (this.#socket.kind.domain === AF_UNIX) return result === -Errno.EAGAIN;
    return result === -Errno.EINPROGRESS || result === -Errno.EALREADY;
  }

  /** The second connect(2) of a TCP socket tells how the first went, and leaves the socket as a blocking one would. */
  #asksAgain(): boolean {
    const { domain, protocol } = this.#socket.kind;
    if (domain === AF_UNIX) return true;
    const isTcp = protocol === IPPROTO_TCP || protocol === IPPROTO_MPTCP;
    return isTcp && (domain === AF_INET || domain === AF_INET6);
  }

  #error(): number {
    const error = socketOption(this.#socket.descriptor, SO_ERROR);
    return error > 0 ? -error : error;
  }

  #isStillOurs(): boolean {
    const { name } = this.#target;
    return name === undefined || this.#context.bound.hasName(this.#socket.kind.type, name);
  }

  #finish(result: number): Reply {
    if (result < 0 || this.#socket.kind.domain !== AF_UNIX) return resultReply(result);
    if (!this.#wasHeld && !this.#isStillOurs()) {
      // The name changed hands meanwhile. Nothing has been sent yet.
      this.#disconnect();
      return fail(Errno.ECONNREFUSED);
    }
    noteAutobind(this.#context.bound, this.#socket);
    return resultReply(result);
  }

  #disconnect(): void {
    const { descriptor, kind } = this.#socket;
    if (kind.type === SOCK_DGRAM) connectOurs(descriptor, new Uint8Array(2));
    else syscall(X86_64.shutdown, descriptor, SHUT_RDWR, 0, 0, 0, 0);
  }
}
