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
import { copyDescriptor } from '../descriptor.ts';
import type { PendingCall } from '../pending.ts';
import { PENDING, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { noteAutobind } from './autobind.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { reach, type Reachable } from './reach.ts';
import { interruption } from '../interruption.ts';
import { readAddress, type TargetSocket } from './target-socket.ts';

const POLLOUT = 4;
const SHUT_RDWR = 2;

export const connect: NetworkHandler = (referral, context) => {
  const descriptor = copyDescriptor(referral.tid, referral.int(0));
  if (descriptor < 0) return fail(-descriptor);
  const reply = connectCopy(referral, context, descriptor);
  if (reply !== PENDING) close(descriptor);
  return reply;
};

/** The order of errors is the kernel's: the descriptor, the address, whether it is a socket. */
function connectCopy(referral: Referral, context: NetworkContext, descriptor: number): Reply {
  const address = readAddress(referral.tid, referral.pointer(1), referral.int(2));
  if (typeof address === 'number') return fail(-address);
  const kind = socketKind(descriptor);
  if (typeof kind === 'number') return fail(-kind);
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  const socket: TargetSocket = { descriptor, kind };
  const target = reach(referral, context, socket, address, { kind: 'connect' });
  if (target.kind !== 'reachable') return target;
  const attempt = new ConnectAttempt(context, socket, target);
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

  constructor(context: NetworkContext, socket: TargetSocket, target: Reachable) {
    this.#context = context;
    this.#socket = socket;
    this.#target = target;
  }

  begin(referral: Referral): Reply {
    const { descriptor } = this.#socket;
    if (!this.#mayBlock()) return this.#finish(connectOurs(descriptor, this.#target.address));
    const result = this.#tryOnce();
    if (!this.#isUnderWay(result)) return this.#finish(result);
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
    close(this.#socket.descriptor);
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
    let result = this.#isStillOurs() ? connectOurs(descriptor, this.#target.address) : -Errno.ECONNREFUSED;
    // On this host the handshake is over by now, though the first answer does not say so yet.
    if (result === -Errno.EINPROGRESS && this.#asksAgain()) {
      const again = connectOurs(descriptor, this.#target.address);
      if (again !== -Errno.EALREADY) result = again;
    }
    fcntl(descriptor, F_SETFL, flags);
    return result;
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
    if (!this.#isStillOurs()) {
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
