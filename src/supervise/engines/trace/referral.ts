/** A referral that a tracee brings by stopping at SECCOMP_RET_TRACE (ptrace(2), PTRACE_EVENT_SECCOMP). */
import { ERESTARTSYS } from '../../../linux/errno.ts';
import { close } from '../../../linux/libc.ts';
import {
  PTRACE_SYSCALL_INFO_SECCOMP,
  resume,
  skipSyscall,
  SyscallInfo,
  syscallInfo,
} from '../../../linux/ptrace.ts';
import type { Referral, Reply } from '../../referral.ts';
import { freeNumbers } from '../../target/open-numbers.ts';
import { arena } from '../../target/target.ts';
import { NUMBERS_TO_HAND, handDescriptor } from './hand-descriptor.ts';
import type { Injector } from './injector.ts';
import { mayHaveOneMore } from './one-more-number.ts';

const HALF = 2 ** 32;
/** Above this no user address lies on x86-64, and a double still holds it exactly. */
const HIGHEST_ADDRESS_HALF = 0x20_0000;

/** What the tracer knows of a stop that may be answered late. */
export interface Stops {
  readonly injector: Injector;
  /** True while the thread stands in the stop of this number. */
  isStanding(tid: number, stop: number): boolean;
  /** The thread was let go, or is gone. */
  answered(tid: number): void;
}

export class TraceReferral implements Referral {
  readonly #stops: Stops;
  readonly #memory = arena(SyscallInfo.size);
  readonly #view = new DataView(this.#memory.bytes.buffer);
  #tid = 0;
  #stop = 0;

  constructor(stops: Stops) {
    this.#stops = stops;
  }

  /** Takes over the call that a thread stands in. False: it is gone, or stands elsewhere. */
  read(tid: number, stop: number): boolean {
    this.#tid = tid;
    this.#stop = stop;
    if (syscallInfo(tid, this.#memory.address) < 0) return false;
    return this.#view.getUint8(SyscallInfo.kind) === PTRACE_SYSCALL_INFO_SECCOMP;
  }

  get tid(): number {
    return this.#tid;
  }

  get number(): number {
    return this.#view.getInt32(SyscallInfo.number, true);
  }

  int(index: number): number {
    return this.#view.getInt32(SyscallInfo.args + 8 * index, true);
  }

  uint(index: number): number {
    return this.#view.getUint32(SyscallInfo.args + 8 * index, true);
  }

  pointer(index: number): number {
    const high = this.#view.getUint32(SyscallInfo.args + 8 * index + 4, true);
    if (high >= HIGHEST_ADDRESS_HALF) return -1;
    return high * HALF + this.uint(index);
  }

  long(index: number): bigint {
    return this.#view.getBigUint64(SyscallInfo.args + 8 * index, true);
  }

  isCurrent(): boolean {
    return this.#stops.isStanding(this.#tid, this.#stop);
  }

  hasRoom(): boolean {
    const free = freeNumbers(this.#tid, NUMBERS_TO_HAND);
    return free >= NUMBERS_TO_HAND || (free === NUMBERS_TO_HAND - 1 && mayHaveOneMore(this.#tid));
  }

  detach(): Referral {
    const copy = new TraceReferral(this.#stops);
    copy.#memory.bytes.set(this.#memory.bytes.subarray(0, SyscallInfo.size));
    copy.#tid = this.#tid;
    copy.#stop = this.#stop;
    return copy;
  }

  reply(reply: Reply): boolean {
    if (reply.kind === 'pending') return true;
    if (!this.isCurrent()) {
      if (reply.kind === 'descriptor') close(reply.descriptor);
      return false;
    }
    this.#stops.answered(this.#tid);
    switch (reply.kind) {
      case 'continue':
        return resume(this.#tid, 0) === 0;
      case 'value':
        return this.#return(reply.value);
      case 'errno':
        return reply.errno >= ERESTARTSYS
          ? this.#stops.injector.interrupt(this.#tid, this.number, reply.errno)
          : this.#return(-reply.errno);
      case 'descriptor':
        return handDescriptor(this.#stops.injector, this.#tid, reply);
    }
  }

  /** The call is not made, and returns this. A thread that cannot be told so must not go on: it is left standing. */
  #return(value: number): boolean {
    return skipSyscall(this.#tid, value) === 0 && resume(this.#tid, 0) === 0;
  }
}
