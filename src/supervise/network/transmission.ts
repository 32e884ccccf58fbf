/** One message on its way: tried without blocking, from where it stopped. */
import { Errno } from '../../linux/errno.ts';
import { close, syscall } from '../../linux/libc.ts';
import {
  MSG_DONTWAIT,
  MSG_FASTOPEN,
  MSG_NOSIGNAL,
  MSG_OOB,
  SOCK_STREAM,
  SO_SNDBUF,
  send,
  socketOption,
  wouldBlock,
} from '../../linux/sockets.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import type { Unfinished } from '../pending.ts';
import type { Referral } from '../referral.ts';
import { arena, type Arena } from '../target/target.ts';
import { closeLingering } from '../watch.ts';
import type { Control } from './control.ts';
import type { Reachable } from './reach.ts';
import type { TargetSocket } from './target-socket.ts';
import { readScattered, type Vector } from './vector.ts';

/** Streams are sent in pieces of this size, and so many of them at a time. */
const PIECE = 262_144;
const PIECES = 4;
/** No datagram is longer, whatever a socket's buffer is set to. */
const LONGEST_DATAGRAM = 16_777_216;
const SIGPIPE = 13;

const piece = arena(PIECE);

export type Progress = number | Unfinished;

/**
 * What is done around one try to send.
 * @param attempt sends, and gives the result of send(2)
 * @returns that of the call
 */
export type AroundSend = (referral: Referral, flags: number, attempt: () => number) => number;

export class Transmission {
  readonly #socket: TargetSocket;
  readonly #data: Vector;
  readonly #target: Reachable | undefined;
  readonly #isStream: boolean;
  readonly #around: AroundSend | undefined;
  #control: Control;
  #flags: number;
  /** MSG_FASTOPEN, and the connection does not stand yet. */
  #opening: boolean;
  /** What the first such send said, once there was one: the answer when the time is up. */
  #first: number | undefined;
  #sent = 0;

  /**
   * @param target undefined: to the peer. What target and control hold is taken over.
   * @param opening MSG_FASTOPEN is to wait for the connection
   * @param around of datagrams
   */
  constructor(
    socket: TargetSocket,
    data: Vector,
    flags: number,
    target: Reachable | undefined,
    control: Control,
    opening: boolean,
    around?: AroundSend,
  ) {
    this.#socket = socket;
    this.#data = data;
    this.#flags = flags;
    this.#target = target;
    this.#control = control;
    this.#opening = opening;
    this.#around = around;
    this.#isStream = socket.kind.type === SOCK_STREAM;
  }

  /** Bytes that were sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends what can be sent now. A number is the result: all bytes, or a negated error number. */
  step(referral: Referral): Progress {
    const result = this.#isStream ? this.#stepStream(referral) : this.#datagram(referral);
    if (result === -Errno.EPIPE && this.#isStream && (this.#flags & MSG_NOSIGNAL) === 0) {
      // The signal is the sender's, and that is not us.
      if (referral.isCurrent()) syscall(X86_64.tkill, referral.tid, SIGPIPE, 0, 0, 0, 0);
    }
    return result;
  }

  /** What a call that can wait no longer returns: the part that was sent, or this error. */
  partial(errno: number): number {
    return this.#sent > 0 ? this.#sent : -errno;
  }

  release(): void {
    this.#dropControl();
    if (this.#target !== undefined && this.#target.held >= 0) close(this.#target.held);
  }

  #stepStream(referral: Referral): Progress {
    const { total } = this.#data;
    const before = this.#sent;
    for (let count = 0; count < PIECES; count += 1) {
      const size = Math.min(PIECE, total - this.#sent);
      const read = readScattered(referral.tid, this.#data, this.#sent, size, piece);
      if (read < 0 || (read === 0 && size > 0)) return this.partial(read < 0 ? -read : Errno.EFAULT);
      if (!referral.isCurrent()) return -Errno.ESRCH;
      const isLast = this.#sent + read === total;
      const wasOpening = this.#opening;
      const result = this.#opened(this.#send(piece, read, isLast ? this.#flags : this.#flags & ~MSG_OOB));
      if (wouldBlock(result)) return this.#sent > before ? 'moved' : 'stuck';
      // What the first packet took along counts for nothing where there is no connection.
      if (result < 0) return wasOpening ? result : this.partial(-result);
      this.#dropControl();
      this.#sent += result;
      if (this.#opening) continue;
      if (this.#sent >= total || read < size) return this.#sent;
    }
    return 'more';
  }

  #datagram(referral: Referral): Progress {
    const { total } = this.#data;
    const room = total <= PIECE ? piece : this.#largeRoom(total);
    if (room === undefined) return -Errno.EMSGSIZE;
    const read = readScattered(referral.tid, this.#data, 0, total, room);
    if (read < 0) return read;
    if (read < total) return -Errno.EFAULT;
    if (!referral.isCurrent()) return -Errno.ESRCH;
    const attempt = (): number => this.#send(room, total, this.#flags);
    const result = this.#around?.(referral, this.#flags, attempt) ?? attempt();
    return wouldBlock(result) ? 'stuck' : result;
  }

  /** Nothing longer than the socket's buffer is ever taken. */
  #largeRoom(total: number): Arena | undefined {
    const buffer = socketOption(this.#socket.descriptor, SO_SNDBUF);
    return total > buffer || total > LONGEST_DATAGRAM ? undefined : arena(total);
  }

  #send(from: Arena, size: number, flags: number): number {
    const own = flags | MSG_DONTWAIT | MSG_NOSIGNAL;
    const { descriptor } = this.#socket;
    const address = this.#first !== undefined && !this.#opening ? undefined : this.#target?.address;
    return send(descriptor, from.address, size, own, address, this.#control.bytes);
  }

  /**
   * A send with MSG_FASTOPEN begins to connect. The same send once more tells how that went, and leaves the socket as one
   * that blocks would: EALREADY, an error, or the connection stands and takes data.
   */
  #opened(result: number): number {
    if (!this.#opening) return result;
    const isUnderWay = result === -Errno.EINPROGRESS || result === -Errno.EALREADY;
    if (this.#first === undefined && (isUnderWay || result >= 0)) {
      this.#first = isUnderWay ? -result : Errno.EINPROGRESS;
      return isUnderWay ? -Errno.EAGAIN : result;
    }
    if (isUnderWay) return -Errno.EAGAIN;
    if (this.#first === undefined) return result;
    // MPTCP takes the flag but once: EINVAL.
    const isPlain = result === -Errno.EISCONN || result === -Errno.EINVAL;
    if (result < 0 && !isPlain) return result;
    this.#opening = false;
    this.#flags &= ~MSG_FASTOPEN;
    return Math.max(result, 0);
  }

  /** What a call says when the time is up. */
  get lateness(): number {
    return this.#first ?? Errno.EAGAIN;
  }

  #dropControl(): void {
    for (const descriptor of this.#control.descriptors) closeLingering(descriptor);
    this.#control = { bytes: undefined, descriptors: [] };
  }
}
