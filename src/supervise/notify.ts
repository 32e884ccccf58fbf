/**
 * The notify engine's transport: SECCOMP_RET_USER_NOTIF (seccomp_unotify(2)).
 * One notification is in hand at a time; its buffer is used again for the next.
 */
import { Errno } from '../linux/errno.ts';
import { close, ioctl } from '../linux/libc.ts';
import { O_CLOEXEC } from '../linux/files.ts';
import {
  AddDescriptor,
  Notification,
  Response,
  SECCOMP_ADDFD_FLAG_SEND,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_ID_VALID,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
} from '../linux/seccomp.ts';
import type { Referral, Reply } from './referral.ts';

const HALF = 2 ** 32;
/** Above this no user address lies on x86-64, and a double still holds it exactly. */
const HIGHEST_ADDRESS_HALF = 0x20_0000;

const response = new Uint8Array(Response.size);
const responseView = new DataView(response.buffer);
const added = new Uint8Array(AddDescriptor.size);
const addedView = new DataView(added.buffer);
const id = new Uint8Array(8);

class NotifyReferral implements Referral {
  readonly #listener: number;
  readonly bytes = new Uint8Array(Notification.size);
  readonly #view = new DataView(this.bytes.buffer);

  constructor(listener: number) {
    this.#listener = listener;
  }

  get tid(): number {
    return this.#view.getUint32(Notification.pid, true);
  }

  get number(): number {
    return this.#view.getInt32(Notification.number, true);
  }

  int(index: number): number {
    return this.#view.getInt32(Notification.args + 8 * index, true);
  }

  uint(index: number): number {
    return this.#view.getUint32(Notification.args + 8 * index, true);
  }

  pointer(index: number): number {
    const high = this.#view.getUint32(Notification.args + 8 * index + 4, true);
    if (high >= HIGHEST_ADDRESS_HALF) return -1;
    return high * HALF + this.uint(index);
  }

  long(index: number): bigint {
    return this.#view.getBigUint64(Notification.args + 8 * index, true);
  }

  isCurrent(): boolean {
    id.set(this.bytes.subarray(0, 8));
    return ioctl(this.#listener, SECCOMP_IOCTL_NOTIF_ID_VALID, id) === 0;
  }

  detach(): Referral {
    const copy = new NotifyReferral(this.#listener);
    copy.bytes.set(this.bytes);
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
        return this.#sendDescriptor(reply.descriptor, reply.closeOnExec);
      case 'pending':
        return true;
    }
  }

  #send(value: number, error: number, flags: number): boolean {
    response.set(this.bytes.subarray(0, 8), Response.id);
    responseView.setUint32(Response.value, value >>> 0, true);
    responseView.setInt32(Response.value + 4, Math.floor(value / HALF), true);
    responseView.setInt32(Response.error, error, true);
    responseView.setUint32(Response.flags, flags, true);
    // ENOENT: the thread was killed, or a signal took it out of the call. Nobody is there to be answered.
    return ioctl(this.#listener, SECCOMP_IOCTL_NOTIF_SEND, response) === 0;
  }

  #sendDescriptor(descriptor: number, closeOnExec: boolean): boolean {
    added.set(this.bytes.subarray(0, 8), AddDescriptor.id);
    addedView.setUint32(AddDescriptor.flags, SECCOMP_ADDFD_FLAG_SEND, true);
    addedView.setUint32(AddDescriptor.source, descriptor, true);
    addedView.setUint32(AddDescriptor.target, 0, true);
    addedView.setUint32(AddDescriptor.targetFlags, closeOnExec ? O_CLOEXEC : 0, true);
    const result = ioctl(this.#listener, SECCOMP_IOCTL_NOTIF_ADDFD, added);
    close(descriptor);
    if (result >= 0) return true;
    // EMFILE is the target's own limit; whatever else it was, the call must not stay unanswered.
    return result === -Errno.ENOENT ? false : this.#send(0, result, 0);
  }
}

export class NotifyListener {
  readonly descriptor: number;
  readonly #referral: NotifyReferral;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    this.#referral = new NotifyReferral(descriptor);
  }

  /** Takes the next notification; undefined when it went away before we came (ENOENT) or we were interrupted (EINTR). */
  receive(): Referral | undefined {
    this.#referral.bytes.fill(0);
    const result = ioctl(this.descriptor, SECCOMP_IOCTL_NOTIF_RECV, this.#referral.bytes);
    return result === 0 ? this.#referral : undefined;
  }
}
