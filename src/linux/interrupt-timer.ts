/**
 * A timer that takes the main thread out of a call that waits: timer_create(2) with SIGEV_THREAD_ID, and a signal whose
 * handler does nothing and has no SA_RESTART, so that the call fails with EINTR (signal(7)). Children have neither timer nor
 * handler (fork(2), execve(2)).
 */
import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import { SyscallError } from './errno.ts';
import { addressOf, syscall } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const libc = koffi.load(null);

/** SIGRTMAX: nobody else uses it, and there is nobody but us to send it. */
const SIGNAL = 64;
const CLOCK_MONOTONIC = 1;
const SIGEV_THREAD_ID = 4;
/** sizeof(struct sigaction) of libc on x86-64; what is not the handler stays zero: no flags, an empty mask. */
const SIGACTION_SIZE = 152;
/** Where the fields of struct sigevent lie. */
const EVENT = { size: 64, signal: 8, notify: 12, thread: 16 } as const;

/** struct itimerspec: the interval, then the first time. */
const times = Buffer.from(new ArrayBuffer(32));
const timesAddress = Number(addressOf(times));

export class InterruptTimer {
  readonly #id: number;

  /** Throws a SyscallError, EAGAIN where the user may have no more signals (RLIMIT_SIGPENDING). */
  constructor() {
    installHandler();
    const event = Buffer.alloc(EVENT.size);
    event.writeInt32LE(SIGNAL, EVENT.signal);
    event.writeInt32LE(SIGEV_THREAD_ID, EVENT.notify);
    // The main thread has the process's number.
    event.writeInt32LE(process.pid, EVENT.thread);
    const id = Buffer.alloc(4);
    const result = syscall(X86_64.timer_create, CLOCK_MONOTONIC, addressOf(event), addressOf(id), 0, 0, 0);
    if (result < 0) throw new SyscallError('timer_create', -result);
    this.#id = id.readInt32LE(0);
  }

  /** Interrupts after so many milliseconds (0: not at all), and again after each `interval`. */
  start(first: number, interval: number): void {
    setMilliseconds(0, interval);
    setMilliseconds(16, first);
    syscall(X86_64.timer_settime, this.#id, 0, timesAddress, 0, 0, 0);
  }
}

function setMilliseconds(offset: number, milliseconds: number): void {
  const rest = milliseconds % 1000;
  times.writeUInt32LE((milliseconds - rest) / 1000, offset);
  times.writeUInt32LE(rest * 1_000_000, offset + 8);
}

let hasHandler = false;

/** Takes all other threads of this process out of the calls that they wait in. Nothing is done as long as there is no timer. */
export function interruptThreads(): void {
  if (!hasHandler) return;
  for (const tid of readdirSync('/proc/self/task').map(Number))
    if (tid !== process.pid) syscall(X86_64.tgkill, process.pid, tid, SIGNAL, 0, 0, 0);
}

/** abs(3) is handed the signal's number, and nobody looks at what it returns. */
function installHandler(): void {
  const action = Buffer.alloc(SIGACTION_SIZE);
  action.writeBigUInt64LE(koffi.address(libc.symbol('abs')), 0);
  const sigaction: (signal: number, action: Uint8Array, before: null) => number = libc.func(
    'sigaction',
    'int',
    ['int', 'void *', 'void *'],
  );
  if (sigaction(SIGNAL, action, null) !== 0) throw new SyscallError('sigaction', koffi.errno());
  hasHandler = true;
}
