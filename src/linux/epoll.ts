/** Which of many descriptors are ready (epoll(7)): waiting costs the same for one as for a thousand. Level-triggered. */
import { SyscallError } from './errno.ts';
import { addressOf, close, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

export const EPOLLIN = 1;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;

const EPOLL_CLOEXEC = 0x8_0000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** Of epoll_pwait(2), which every architecture has, with no set of signals. */
const SIGSET_SIZE = 8;
/** Packed on x86-64: u32 events, u64 data. */
const EVENT_SIZE = 12;
/** So many are told of at once; the others have their turn with the next wait (epoll_wait(2), "round robin"). */
const MOST_EVENTS = 32;

export class Epoll {
  readonly descriptor: number;
  readonly #bytes = Buffer.from(new ArrayBuffer(EVENT_SIZE * MOST_EVENTS));
  readonly #address = Number(addressOf(this.#bytes));
  readonly #words = new Int32Array(this.#bytes.buffer);

  /** Throws a SyscallError. */
  constructor() {
    const result = syscall(X86_64.epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
    if (result < 0) throw new SyscallError('epoll_create1', -result);
    this.descriptor = result;
  }

  /**
   * Watches a descriptor for being readable; its end and errors are always told of. Throws a SyscallError.
   * @param key a number of 31 bits that it is known by
   * @param events what it is watched for in place of that
   */
  add(descriptor: number, key: number, events: number = EPOLLIN): void {
    this.#words[0] = events;
    this.#words[1] = key;
    this.#words[2] = 0;
    const result = syscall(X86_64.epoll_ctl, this.descriptor, EPOLL_CTL_ADD, descriptor, this.#address, 0, 0);
    if (result < 0) throw new SyscallError('epoll_ctl', -result);
  }

  /** To be called before the descriptor is closed: somebody else may have the same file open. */
  remove(descriptor: number): void {
    syscall(X86_64.epoll_ctl, this.descriptor, EPOLL_CTL_DEL, descriptor, 0, 0, 0);
  }

  /**
   * Waits, for so many milliseconds at most (-1: for ever). How many are ready, or a negated error number.
   * @param most are told of at once, 32 or fewer
   */
  wait(timeout: number, most = MOST_EVENTS): number {
    return syscall(X86_64.epoll_pwait, this.descriptor, this.#address, most, timeout, 0, SIGSET_SIZE);
  }

  /** Who the event with this index is of. */
  key(index: number): number {
    return this.#words[3 * index + 1] ?? 0;
  }

  /** What has come about: EPOLLIN and the like. */
  events(index: number): number {
    return this.#words[3 * index] ?? 0;
  }

  close(): void {
    close(this.descriptor);
  }
}
