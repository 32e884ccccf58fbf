/** A connect to a listener of the sandbox on this host: tried without waiting until it stands, and checked who answered. */
import { Errno } from '../../linux/errno.ts';
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../../linux/files.ts';
import { fcntl } from '../../linux/libc.ts';
import { connect, sendTimeout } from '../../linux/sockets.ts';
import type { PendingCall } from '../pending.ts';
import { refused } from '../context.ts';
import { PENDING, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import { interruption } from '../interruption.ts';
import { connectAtOnce, disconnect, whoAnswered, whoListens } from './loopback.ts';
import type { NetworkContext } from './context.ts';
import type { InternetDestination } from '../../judge/destination.ts';
import type { Reachable } from './reach.ts';
import { closeSocket, type TargetSocket } from './target-socket.ts';
import { within } from '../watch.ts';

/** On this host the handshake is over when connect(2) returns, or some looks later. */
const MOST_LOOKS = 64;
/** A connect that does not wait needs no such time: who makes its socket block meanwhile is interrupted. */
const CONNECT_LIMIT = 10;
const RULE = 'not bound in the sandbox';

export class InsideConnect implements PendingCall {
  readonly #context: NetworkContext;
  readonly #socket: TargetSocket;
  readonly #target: Reachable;
  readonly #destination: InternetDestination;
  #referral: Referral | undefined;
  #timeout = Infinity;
  /** As fcntl(2) has them. */
  #flags = 0;

  constructor(
    context: NetworkContext,
    socket: TargetSocket,
    target: Reachable,
    destination: InternetDestination,
  ) {
    this.#context = context;
    this.#socket = socket;
    this.#target = target;
    this.#destination = destination;
  }

  begin(referral: Referral): Reply {
    const reply = this.#try(referral);
    if (reply !== 'stuck') return reply;
    const { descriptor } = this.#socket;
    if ((this.#flags & O_NONBLOCK) === 0) this.#timeout = sendTimeout(descriptor);
    this.#referral = referral.detach();
    this.#context.pending.add(this);
    return PENDING;
  }

  get referral(): Referral {
    if (this.#referral === undefined) throw new Error('the connect does not wait');
    return this.#referral;
  }

  /** Only trying tells: nothing is on its way meanwhile, for another could be the one to answer it. */
  readonly descriptor = -1;
  readonly events = 0;

  get timeout(): number {
    return this.#timeout;
  }

  attempt(): Reply | 'stuck' {
    const { referral } = this;
    switch (whoListens(this.#context.bound, this.#socket, this.#destination)) {
      case 'inside':
        return this.#try(referral);
      case 'nobody':
        return fail(Errno.ECONNREFUSED);
      case 'outside':
        return this.#refuse(referral);
    }
  }

  expired(): Reply {
    return fail(Errno.EINPROGRESS);
  }

  interrupted(restart: boolean): Reply {
    return interruption(this.#timeout, restart);
  }

  release(): void {
    closeSocket(this.#socket);
  }

  /** O_NONBLOCK belongs to the open file, which the target shares: set for this one try only. */
  #try(referral: Referral): Reply | 'stuck' {
    const { descriptor } = this.#socket;
    const flags = fcntl(descriptor, F_GETFL, 0);
    if (flags < 0) return fail(-flags);
    this.#flags = flags;
    const isBlocking = (flags & O_NONBLOCK) === 0;
    const set = isBlocking ? fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) : 0;
    if (set < 0) return fail(-set);
    connectAtOnce(this.#socket);
    const result = within(CONNECT_LIMIT, () => connect(descriptor, this.#target.address));
    const reply = this.#checked(referral, result, isBlocking);
    if (isBlocking) fcntl(descriptor, F_SETFL, flags);
    return reply;
  }

  #checked(referral: Referral, result: number, isBlocking: boolean): Reply | 'stuck' {
    const begun = [0, -Errno.EINPROGRESS, -Errno.EALREADY, -Errno.EINTR].includes(result);
    if (!begun) return resultReply(result);
    const ask = (): ReturnType<typeof whoAnswered> =>
      whoAnswered(this.#context.bound, this.#socket, this.#destination);
    let answer = ask();
    for (let look = 0; answer === 'waits' && look < MOST_LOOKS; look += 1) answer = ask();
    if (answer === 'waits' || answer === 'outside') {
      disconnect(this.#socket);
      return answer === 'waits' ? 'stuck' : this.#refuse(referral);
    }
    // The second connect(2) tells how the first went, and leaves the socket as a blocking one would.
    if (isBlocking && result !== 0)
      return resultReply(connect(this.#socket.descriptor, this.#target.address));
    return resultReply(result);
  }

  #refuse(referral: Referral): Reply {
    const { address, port, protocol } = this.#destination;
    const reported = { kind: 'address', address, port, protocol } as const;
    return refused(referral, this.#context, 'connect', reported, RULE);
  }
}
