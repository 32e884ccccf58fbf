/**
 * The tracer's loop. The main thread blocks in wait4(2), so a stop costs one call to learn of it, and nothing is spent while
 * nothing happens; the waker is heard there too. While calls are pending that poll(2) has to watch, both take turns.
 */
import { Errno, SyscallError } from '../../../linux/errno.ts';
import { poll } from '../../../linux/libc.ts';
import { isStopped, waitStatus, waitTracee, WNOHANG } from '../../../linux/wait-tracees.ts';
import type { InterestList } from '../../interest-list.ts';
import type { PendingCalls } from '../../pending.ts';
import { endWatch } from '../../watch.ts';
import { TakenStops } from './taken-stops.ts';
import type { Tracees } from './tracees.ts';
import type { Waker } from './waker.ts';

/** Milliseconds that a stop may wait while a pending call is watched. */
const PENDING_TURN = 1;
/** Milliseconds between two looks where there is no waker. */
const WITHOUT_WAKER = 5;
const POLLFD_SIZE = 8;

const taken = new TakenStops();

/**
 * Answers until no thread is left.
 * @param own what the supervisor itself watches, of which the waker tells
 */
export async function traceUntilEnd(
  tracees: Tracees,
  waker: Waker,
  pending: PendingCalls,
  own?: InterestList,
): Promise<void> {
  // Signal handlers are made known to the event loop's descriptor only when the loop runs once.
  await eventLoopTurn();
  while (!tracees.areGone()) {
    const sleeps = pending.size === 0 && waker.isThere;
    const found = takeAll(waker, sleeps ? 0 : WNOHANG);
    if (found === 'no child') return;
    if (waker.hasCalled) {
      await eventLoopTurn();
      own?.goOn(own.wait(0));
      waker.goOn();
    }
    for (let tid = taken.next(); tid !== 0; tid = taken.next()) tracees.handle(tid, taken.status);
    if (tracees.areToStop) {
      // The key that has stopped the command came to us too: later, in the background, it would be taken for somebody's wish.
      await eventLoopTurn();
      tracees.stop();
    }
    const idle = found === 'nothing';
    // Also between stops: busy threads leave no time without any.
    if (pending.size > 0) turnPending(pending, idle ? PENDING_TURN : 0);
    else if (idle && !waker.isThere) poll(null, 0, WITHOUT_WAKER);
  }
}

/**
 * Takes the stops of all threads before any is handled: wait4(2) tells of the youngest first, so that a few busy ones would
 * keep it from ever telling of the others.
 */
function takeAll(waker: Waker, flags: number): 'something' | 'nothing' | 'no child' {
  let found: 'something' | 'nothing' = 'nothing';
  for (let tid = waitTracee(-1, flags); tid !== 0; tid = waitTracee(-1, WNOHANG)) {
    if (tid > 0) {
      found = 'something';
      const status = waitStatus();
      // Looked at here: once the waker is reaped its number may be that of the next in line.
      if (tid === waker.pid) waker.changed(isStopped(status));
      else taken.add(tid, status);
    } else if (tid === -Errno.ECHILD) return found === 'something' ? found : 'no child';
    else if (tid === -Errno.EINTR) endWatch();
    else throw new SyscallError('wait4', -tid);
  }
  return found;
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
