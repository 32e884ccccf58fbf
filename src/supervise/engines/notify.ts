/**
 * The notify engine's transport: SECCOMP_RET_USER_NOTIF (seccomp_unotify(2)).
 * One notification is in hand at a time; its buffer is used again for the next.
 */
import { Errno } from '../../linux/errno.ts';
import { close, ioctlInteger } from '../../linux/libc.ts';
import { O_CLOEXEC } from '../../linux/files.ts';
import {
  AddDescriptor,
  Notification,
  Response,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_ID_VALID,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
} from '../../linux/seccomp.ts';
import type { HandedDescriptor, Referral, Reply } from '../referral.ts';
import { mayControl } from '../target/controlling.ts';
import { freeNumbers } from '../target/open-numbers.ts';
import { arena } from '../target/target.ts';
import { answerControlling } from './controlling-terminal.ts';
import type { Injector } from './trace/injector.ts';

const HALF = 2 ** 32;
/** Above this no user address lies on x86-64, and a double still holds it exactly. */
const HIGHEST_ADDRESS_HALF = 0x20_0000;

/** All structs as 32-bit words at a fixed address: nothing is made anew for a call, and only numbers go to the kernel. */
const NUMBER = Notification.number / 4;
const PID = Notification.pid / 4;
const ARGUMENTS = Notification.args / 4;
const RESPONSE = 128;
const ADDED = 192;
/** A thread that is frozen takes no descriptor, and we are interrupted again and again. */
const MOST_ATTEMPTS = 16;

class NotifyReferral implements Referral {
  readonly #listener: number;
  readonly #injector: Injector | undefined;
  readonly #arena = arena(4096);
  readonly #words = new Int32Array(this.#arena.bytes.buffer);

  constructor(listener: number, injector: Injector | undefined) {
    this.#listener = listener;
    this.#injector = injector;
  }

  get tid(): number {
    return this.#word(PID);
  }

  get number(): number {
    return this.#word(NUMBER);
  }

  int(index: number): number {
    return this.#word(ARGUMENTS + 2 * index);
  }

  uint(index: number): number {
    return this.int(index) >>> 0;
  }

  pointer(index: number): number {
    const high = this.#word(ARGUMENTS + 2 * index + 1) >>> 0;
    if (high >= HIGHEST_ADDRESS_HALF) return -1;
    return high * HALF + this.uint(index);
  }

  long(index: number): bigint {
    return this.#arena.bytes.readBigUInt64LE(Notification.args + 8 * index);
  }

  /** Fills the notification. False when it went away before we came (ENOENT), or we were interrupted (EINTR). */
  receive(): boolean {
    // The kernel wants it to be zero.
    for (let index = 0; index < Notification.size / 4; index += 1) this.#words[index] = 0;
    return ioctlInteger(this.#listener, SECCOMP_IOCTL_NOTIF_RECV, this.#arena.address) === 0;
  }

  isCurrent(): boolean {
    // The id comes first in the notification.
    return this.#tell(SECCOMP_IOCTL_NOTIF_ID_VALID, 0) === 0;
  }

  hasRoom(): boolean {
    return freeNumbers(this.tid, 1) > 0;
  }

  detach(): Referral {
    const copy = new NotifyReferral(this.#listener, this.#injector);
    copy.#words.set(this.#words.subarray(0, Notification.size / 4));
    return copy;
  }

  reply(reply: Reply): boolean {
    switch (reply.kind) {
      case 'continue':
        return this.#send(0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
      case 'value':
        return this.#send(reply.value, 0, 0);
      case 'errno':
        return this.#send(0, -reply.errno, 0);
      case 'descriptor':
        return this.#sendDescriptor(reply);
      case 'pending':
        return true;
    }
  }

  #send(value: number, error: number, flags: number): boolean {
    this.#copyId(RESPONSE);
    this.#set(RESPONSE + Response.value, value);
    this.#set(RESPONSE + Response.value + 4, Math.floor(value / HALF));
    this.#set(RESPONSE + Response.error, error);
    this.#set(RESPONSE + Response.flags, flags);
    // ENOENT: the thread was killed, or a signal took it out of the call. Nobody is there to be answered.
    return this.#tell(SECCOMP_IOCTL_NOTIF_SEND, RESPONSE) === 0;
  }

  #sendDescriptor({ descriptor, closeOnExec, controls }: HandedDescriptor): boolean {
    this.#copyId(ADDED);
    this.#set(ADDED + AddDescriptor.flags, 0);
    this.#set(ADDED + AddDescriptor.source, descriptor);
    this.#set(ADDED + AddDescriptor.target, 0);
    this.#set(ADDED + AddDescriptor.targetFlags, closeOnExec ? O_CLOEXEC : 0);
    const result = this.#tell(SECCOMP_IOCTL_NOTIF_ADDFD, ADDED);
    const asks = result >= 0 && controls === true && this.#injector !== undefined;
    const injector = asks && mayControl(this.tid, descriptor) ? this.#injector : undefined;
    // Before the thread runs on: while we have the file open too it could not be executed, nor would a lock on it end with its own.
    close(descriptor);
    if (result >= 0 && injector !== undefined)
      return answerControlling(injector, this, result, () => this.#send(result, 0, 0));
    if (result >= 0) return this.#send(result, 0, 0);
    // The kernel hands over nothing that was opened with O_PATH, which only openat2(2) asks us for: callers do without.
    if (result === -Errno.EBADF) return this.#send(0, -Errno.ENOSYS, 0);
    // EMFILE is the target's own limit; whatever else it was, the call must not stay unanswered.
    return result === -Errno.ENOENT ? false : this.#send(0, result, 0);
  }

  /** A signal to us may come first (EINTR): then nothing was done, and the thread still waits for it. */
  #tell(request: number, offset: number): number {
    let result = -Errno.EINTR;
    for (let attempt = 0; result === -Errno.EINTR && attempt < MOST_ATTEMPTS; attempt += 1)
      result = ioctlInteger(this.#listener, request, this.#arena.address + offset);
    return result;
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }

  #set(offset: number, value: number): void {
    this.#words[offset / 4] = value;
  }

  #copyId(offset: number): void {
    this.#set(offset, this.#word(0));
    this.#set(offset + 4, this.#word(1));
  }
}

export class NotifyListener {
  readonly descriptor: number;
  readonly #referral: NotifyReferral;
  /** How many notifications were taken. */
  received = 0;

  /**
   * @param injector makes a call in a waiting thread's name; undefined where nothing keeps that waiting when it is to stop, or where
   * nobody else may wait until it comes back
   */
  constructor(descriptor: number, injector?: Injector) {
    this.descriptor = descriptor;
    this.#referral = new NotifyReferral(descriptor, injector);
  }

  /** Takes the next notification; undefined when it went away before we came (ENOENT) or we were interrupted (EINTR). */
  receive(): Referral | undefined {
    if (!this.#referral.receive()) return undefined;
    this.received += 1;
    return this.#referral;
  }
}
