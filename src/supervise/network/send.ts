/**
 * sendto(2), sendmsg(2) and sendmmsg(2), performed on the target's socket with data and address of our own; on a Unix
 * connection of a program that is alone with its descriptors they go on.
 */
import { Errno } from '../../linux/errno.ts';
import { F_GETFL, O_NONBLOCK } from '../../linux/files.ts';
import { fcntl } from '../../linux/libc.ts';
import {
  AF_UNIX,
  MSG_CMSG_COMPAT,
  MSG_DONTROUTE,
  MSG_DONTWAIT,
  MSG_FASTOPEN,
  MSG_ZEROCOPY,
  SOCK_STREAM,
  SO_ZEROCOPY,
  sendTimeout,
  socketOption,
} from '../../linux/sockets.ts';
import type { AddressBytes } from '../../policy/policy.ts';
import { refused, trustedStatus, untrusted } from '../context.ts';
import type { PendingCall, Unfinished } from '../pending.ts';
import { CONTINUE_CALL, PENDING, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { noteAutobind } from './autobind.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { NO_CONTROL, readControl, type Control } from './control.ts';
import { INTERFACE_RULE, isInternet, isLedAstray } from './interface.ts';
import { interruption } from '../interruption.ts';
import { aroundSend } from './datagrams.ts';
import { MANY_SIZE, readMessage, type Message } from './message.ts';
import { mayGoOn } from './connection.ts';
import { reach } from './reach.ts';
import { closeSocket, openSocket, readAddress, type TargetSocket } from './target-socket.ts';
import { Transmission } from './transmission.ts';
import { MOST_BYTES, MOST_VECTORS, vectorOf, writeUnsigned } from './vector.ts';
import { closeLingering } from '../watch.ts';

const POLLOUT = 4;
/** struct mmsghdr: where the kernel writes how much was sent. */
const COUNT_OFFSET = 56;
/** Messages of one sendmmsg(2) that are sent before others have their turn. */
const MESSAGES_AT_ONCE = 64;

export const sendto: NetworkHandler = (referral, context) => {
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  if (mayGoOn(referral, context, socket, referral.int(0))) return goOn(socket);
  const { tid } = referral;
  const hasName = referral.pointer(4) !== 0;
  const name = hasName ? readAddress(tid, referral.pointer(4), referral.int(5)) : undefined;
  if (typeof name === 'number') {
    closeSocket(socket);
    return fail(-name);
  }
  const wanted = referral.long(2);
  const length = wanted > BigInt(MOST_BYTES) ? MOST_BYTES : Number(wanted);
  const data = vectorOf(referral.pointer(1), length);
  const message: Message = { name, data, control: { address: 0, length: 0n } };
  return new SendCall(context, socket, referral.int(3), { kind: 'one', message }).begin(referral);
};

export const sendmsg: NetworkHandler = (referral, context) => {
  if (isForbidden(referral.int(2))) return fail(Errno.EINVAL);
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  if (mayGoOn(referral, context, socket, referral.int(0))) return goOn(socket);
  const message = readMessage(referral.tid, referral.pointer(1));
  if (typeof message === 'number') {
    closeSocket(socket);
    return fail(-message);
  }
  return new SendCall(context, socket, referral.int(2), { kind: 'one', message }).begin(referral);
};

export const sendmmsg: NetworkHandler = (referral, context) => {
  if (isForbidden(referral.int(3))) return fail(Errno.EINVAL);
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  if (mayGoOn(referral, context, socket, referral.int(0))) return goOn(socket);
  const count = Math.min(referral.uint(2), MOST_VECTORS);
  const many = { kind: 'many', address: referral.pointer(1), count } as const;
  return new SendCall(context, socket, referral.int(3), many).begin(referral);
};

/** The kernel looks at this before all else. */
function isForbidden(flags: number): boolean {
  return (flags & MSG_CMSG_COMPAT) !== 0;
}

function goOn(socket: TargetSocket): Reply {
  closeSocket(socket);
  return CONTINUE_CALL;
}

type Source =
  | { readonly kind: 'one'; readonly message: Message }
  | { readonly kind: 'many'; readonly address: number; readonly count: number };

/** A call that sends one message or several, one after the other. */
class SendCall implements PendingCall {
  readonly #context: NetworkContext;
  readonly #socket: TargetSocket;
  readonly #flags: number;
  readonly #source: Source;
  #transmission: Transmission | undefined;
  /** Messages that were sent. */
  #done = 0;
  #referral: Referral | undefined;
  #timeout = Infinity;

  constructor(context: NetworkContext, socket: TargetSocket, flags: number, source: Source) {
    this.#context = context;
    this.#socket = socket;
    this.#flags = flags;
    this.#source = source;
  }

  /** Takes the socket over. */
  begin(referral: Referral): Reply {
    try {
      const outcome = this.#run(referral);
      if (typeof outcome !== 'string') return this.#end(outcome);
      if (outcome !== 'more' && !this.#blocks()) return this.#end(resultReply(this.#stopped(Errno.EAGAIN)));
      this.#referral = referral.detach();
      this.#timeout = sendTimeout(this.#socket.descriptor);
      this.#context.pending.add(this, outcome === 'more');
    } catch (error) {
      this.release();
      throw error;
    }
    return PENDING;
  }

  #end(reply: Reply): Reply {
    this.release();
    return reply;
  }

  get referral(): Referral {
    if (this.#referral === undefined) throw new Error('the send does not wait');
    return this.#referral;
  }

  get descriptor(): number {
    return this.#socket.descriptor;
  }

  readonly events = POLLOUT;

  get timeout(): number {
    return this.#timeout;
  }

  attempt(): Reply | Unfinished {
    const outcome = this.#run(this.referral);
    if (typeof outcome !== 'string' || outcome === 'more' || this.#blocks()) return outcome;
    return resultReply(this.#stopped(Errno.EAGAIN));
  }

  expired(): Reply {
    return resultReply(this.#stopped(this.#transmission?.lateness ?? Errno.EAGAIN));
  }

  interrupted(restart: boolean): Reply {
    const result = this.#stopped(Errno.EINTR);
    return result > 0 ? resultReply(result) : interruption(this.#timeout, restart);
  }

  release(): void {
    this.#transmission?.release();
    this.#transmission = undefined;
    closeSocket(this.#socket);
  }

  #blocks(): boolean {
    if ((this.#flags & MSG_DONTWAIT) !== 0) return false;
    const flags = fcntl(this.#socket.descriptor, F_GETFL, 0);
    return flags >= 0 && (flags & O_NONBLOCK) === 0;
  }

  /** Where the socket does not block, MSG_FASTOPEN is over at once. */
  #opens(): boolean {
    if ((this.#flags & MSG_FASTOPEN) === 0 || this.#socket.kind.type !== SOCK_STREAM) return false;
    return this.#socket.kind.domain !== AF_UNIX && this.#blocks();
  }

  /** The result of a call that goes no further. */
  #stopped(errno: number): number {
    const partial = this.#transmission?.partial(errno) ?? -errno;
    if (this.#source.kind === 'one') return partial;
    if (partial > 0) this.#count(partial);
    return this.#done > 0 ? this.#done : partial;
  }

  #run(referral: Referral): Reply | Unfinished {
    for (let count = 0; count < MESSAGES_AT_ONCE; count += 1) {
      if (this.#transmission === undefined) {
        if (this.#source.kind === 'many' && this.#done >= this.#source.count) return resultReply(this.#done);
        const next = this.#next(referral);
        if (!(next instanceof Transmission)) return this.#done > 0 ? resultReply(this.#done) : next;
        this.#transmission = next;
      }
      const result = this.#transmission.step(referral);
      if (typeof result === 'string') return result;
      this.#transmission.release();
      this.#transmission = undefined;
      if (result >= 0 && this.#socket.kind.domain === AF_UNIX)
        noteAutobind(this.#context.bound, this.#socket);
      if (this.#source.kind === 'one') return resultReply(result);
      if (result < 0) return resultReply(this.#done > 0 ? this.#done : result);
      const written = this.#count(result, referral);
      if (written < 0) return resultReply(this.#done > 0 ? this.#done : written);
    }
    return 'more';
  }

  /** Tells the target how much of a message was sent. */
  #count(result: number, referral = this.#referral): number {
    if (this.#source.kind === 'one' || referral === undefined) return 0;
    const address = this.#source.address + this.#done * MANY_SIZE + COUNT_OFFSET;
    const written = writeUnsigned(referral.tid, address, result);
    if (written === 0) this.#done += 1;
    return written;
  }

  /** Reads and judges the next message, or says why not. */
  #next(referral: Referral): Transmission | Reply {
    const { tid } = referral;
    const message =
      this.#source.kind === 'one'
        ? this.#source.message
        : this.#source.address < 0
          ? -Errno.EFAULT
          : readMessage(tid, this.#source.address + this.#done * MANY_SIZE);
    if (typeof message === 'number') return fail(-message);
    // Without an address nothing is decided here, and the data asks once more.
    if (message.name !== undefined && !referral.isCurrent()) return fail(Errno.ESRCH);
    if ((this.#flags & MSG_ZEROCOPY) !== 0 && socketOption(this.#socket.descriptor, SO_ZEROCOPY) > 0) {
      // The pages that are sent would be ours, which are used again at once.
      return fail(Errno.ENOBUFS);
    }
    const control = this.#control(referral, message);
    if ('kind' in control) return control;
    const target =
      message.name === undefined
        ? undefined
        : reach(referral, this.#context, this.#socket, message.name, { kind: 'send', flags: this.#flags });
    let reply: Reply;
    if (target !== undefined && target.kind !== 'reachable') reply = target;
    else if (this.#isLed(control, target?.host))
      reply = refused(referral, this.#context, 'send', { kind: 'none' }, INTERFACE_RULE);
    else {
      const around = aroundSend(this.#context, this.#socket, target?.inside);
      return new Transmission(
        this.#socket,
        message.data,
        this.#flags,
        target,
        control,
        this.#opens(),
        around,
      );
    }
    for (const descriptor of control.descriptors) closeLingering(descriptor);
    return reply;
  }

  /** Whether it would leave by another way than its address has. */
  #isLed({ interfaces }: Control, host: AddressBytes | undefined): boolean {
    if (this.#context.network.anyAddress || !isInternet(this.#socket)) return false;
    return (this.#flags & MSG_DONTROUTE) !== 0 || isLedAstray(this.#socket, host, interfaces);
  }

  #control(referral: Referral, message: Message): Control | Reply {
    const { address, length } = message.control;
    if (length === 0n) return NO_CONTROL;
    const control = readControl(referral.tid, address, length, {
      domain: this.#socket.kind.domain,
      restricted: this.#context.network.restricted,
      process: () => trustedStatus(referral, this.#context)?.tgid,
    });
    if (control === 'rerouting') {
      const rule = 'control message that may lead elsewhere';
      return refused(referral, this.#context, 'send', { kind: 'none' }, rule);
    }
    if (control === 'untrusted') return untrusted(referral, this.#context, 'send');
    return typeof control === 'number' ? fail(-control) : control;
  }
}
