/** What became of referred calls, told to whoever has to know: to learn from a run is to learn from what succeeded. */
import { ERESTARTSYS, Errno } from '../linux/errno.ts';
import { tcpState } from '../linux/sockets.ts';
import { X86_64 } from '../linux/syscalls.ts';
import type { Outcome, OutcomeListener } from '../report/event.ts';
import { copyDescriptor } from './target/descriptor.ts';
import type { Referral, Reply } from './referral.ts';
import { closeLingering } from './watch.ts';

type Handler = (referral: Referral) => Reply;

/** State of a socket that is not connected, nor about to be (include/net/tcp_states.h). */
const TCP_CLOSE = 7;

/** The same handlers, watched. */
export function observed(
  handlers: ReadonlyMap<number, Handler>,
  listener: OutcomeListener,
): ReadonlyMap<number, Handler> {
  return new Map(
    Array.from(handlers, ([number, handler]) => [number, (referral) => observe(referral, handler, listener)]),
  );
}

function observe(referral: Referral, handler: Handler, listener: OutcomeListener): Reply {
  listener.begin(referral.tid);
  let reply: Reply;
  try {
    reply = handler(new ObservedReferral(referral, listener));
  } catch (error) {
    listener.end(referral.tid, 'failed');
    throw error;
  }
  if (reply.kind !== 'pending') listener.end(referral.tid, outcomeOf(referral, reply));
  return reply;
}

/** Its detached copy tells of the answer that comes later. */
class ObservedReferral implements Referral {
  readonly #inner: Referral;
  readonly #listener: OutcomeListener;

  constructor(inner: Referral, listener: OutcomeListener) {
    this.#inner = inner;
    this.#listener = listener;
  }

  get tid(): number {
    return this.#inner.tid;
  }

  get number(): number {
    return this.#inner.number;
  }

  int(index: number): number {
    return this.#inner.int(index);
  }

  uint(index: number): number {
    return this.#inner.uint(index);
  }

  pointer(index: number): number {
    return this.#inner.pointer(index);
  }

  long(index: number): bigint {
    return this.#inner.long(index);
  }

  isCurrent(): boolean {
    return this.#inner.isCurrent();
  }

  hasRoom(): boolean {
    return this.#inner.hasRoom();
  }

  detach(): Referral {
    return new ObservedReferral(this.#inner.detach(), this.#listener);
  }

  reply(reply: Reply): boolean {
    this.#listener.end(this.#inner.tid, outcomeOf(this.#inner, reply));
    return this.#inner.reply(reply);
  }
}

/** Asked while the thread still waits: its descriptors are as they were. */
function outcomeOf(referral: Referral, reply: Reply): Outcome {
  switch (reply.kind) {
    case 'continue':
    case 'pending':
      return 'unknown';
    case 'descriptor':
      return 'done';
    case 'value': {
      const isCut = referral.number === X86_64.sendmmsg && reply.value < referral.uint(2);
      return isCut ? 'last-failed' : 'done';
    }
    case 'errno':
      return isUnderWay(referral, reply.errno) ? 'done' : 'failed';
  }
}

/** A connection that was begun and not waited for: packets have left, unless it was refused at once. */
function isUnderWay(referral: Referral, errno: number): boolean {
  const isBegun = errno === Errno.EINPROGRESS || errno === Errno.EINTR || errno === ERESTARTSYS;
  if (!isBegun || !mayConnect(referral.number)) return false;
  const copy = copyDescriptor(referral.tid, referral.int(0));
  if (copy < 0) return false;
  const state = tcpState(copy);
  closeLingering(copy);
  // What is no TCP socket was not begun; where a signal came, it was.
  return state > 0 && state !== TCP_CLOSE;
}

function mayConnect(number: number): boolean {
  return number === X86_64.connect || number === X86_64.sendto || number === X86_64.sendmsg;
}
