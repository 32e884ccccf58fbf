/**
 * The tracer's loop. The main thread blocks in wait4(2), so a stop costs one call to learn of it, and nothing is spent while
 * nothing happens; the waker is heard there too. While calls are pending that poll(2) has to watch, both take turns.
 */
import { Errno, SyscallError } from '../../linux/errno.ts';
import { poll } from '../../linux/libc.ts';
import { isStopped, waitStatus, waitTracee, WNOHANG } from '../../linux/wait-tracees.ts';
import type { PendingCalls } from '../pending.ts';
import { endWatch } from '../watch.ts';
import { TakenStops } from './taken-stops.ts';
import type { Tracees } from './tracees.ts';
import type { Waker } from './waker.ts';

/** Milliseconds that a stop may wait while a pending call is watched. */
const PENDING_TURN = 1;
const POLLFD_SIZE = 8;

const taken = new TakenStops();

/** Answers until no thread is left. */
export async function traceUntilEnd(tracees: Tracees, waker: Waker, pending: PendingCalls): Promise<void> {
  // Signal handlers are made known to the event loop's descriptor only when the loop runs once.
  await eventLoopTurn();
  while (tracees.size > 0) {
    const idle = takeAll(pending.size > 0 ? WNOHANG : 0);
    for (let tid = taken.next(); tid !== 0; tid = taken.next()) {
      const { status } = taken;
      if (tid !== waker.pid) {
        tracees.handle(tid, status);
        continue;
      }
      if (!isStopped(status)) throw new SyscallError('wait4', Errno.ECHILD);
      await eventLoopTurn();
      waker.goOn();
    }
    // Also between stops: busy threads leave no time without any.
    if (pending.size > 0) turnPending(pending, idle ? PENDING_TURN : 0);
  }
}

/**
 * Takes the stops of all threads before any is handled: wait4(2) tells of the youngest first, so that a few busy ones would
 * keep it from ever telling of the others. True: there is none.
 */
function takeAll(flags: number): boolean {
  for (let tid = waitTracee(-1, flags); tid !== 0; tid = waitTracee(-1, WNOHANG)) {
    if (tid > 0) taken.add(tid, waitStatus());
    else if (tid === -Errno.EINTR) endWatch();
    else {
      if (!taken.isEmpty) return false;
      throw new SyscallError('wait4', -tid);
    }
  }
  return taken.isEmpty;
}

/** @param longest milliseconds that it may last */
function turnPending(pending: PendingCalls, longest: number): void {
  const watched = pending.watched();
  const set = Buffer.alloc(POLLFD_SIZE * watched.length);
  for (const [index, { descriptor, events }] of watched.entries()) {
    set.writeInt32LE(descriptor, POLLFD_SIZE * index);
    set.writeInt16LE(events, POLLFD_SIZE * index + 4);
  }
  const timeout = pending.timeout();
  const found = poll(set, watched.length, timeout < 0 ? longest : Math.min(timeout, longest));
  pending.turn((index) => found > 0 && set.readInt16LE(POLLFD_SIZE * index + 6) !== 0);
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
