/**
 * Who takes a datagram on this host's loopback address. A datagram is gone when it is sent, so that nobody could be asked afterwards: all
 * that has the port is held meanwhile, and must have got it inside.
 */
import { datagramSocketsAt } from '../../linux/inet-diag.ts';
import type { InternetDestination } from '../../judge/destination.ts';
import { HeldSocket } from './held-socket.ts';
import { isAtHome, isLoopback } from './loopback.ts';
import type { NetworkContext } from './context.ts';
import type { TargetSocket } from './target-socket.ts';

/** Who was there may have gone before it was held. */
const MOST_LOOKS = 3;
/** Each costs a descriptor while something is sent. */
const MOST_AT_ONE_PORT = 64;

/**
 * Acts while all sockets that could take a datagram are the sandbox's own and held. Inside nobody binds a socket, or makes it share its
 * port, while the supervisor does this; outside nobody can, where none shares it.
 * @param act gets who they are, and what is held for it alone and let go afterwards, unless it is taken over
 * @returns what `act` does, or 'outside' where somebody else is there, or nobody can say; 'nobody' where there is none
 */
export function withReceivers<Result>(
  { bound, members }: Pick<NetworkContext, 'bound' | 'members'>,
  { descriptor }: TargetSocket,
  { address, port }: InternetDestination,
  act: (cookies: readonly bigint[], held: ReadonlyMap<bigint, HeldSocket>) => Result,
): Result | 'outside' | 'nobody' {
  if (!isLoopback(address) || port === 0 || !isAtHome(descriptor)) return 'outside';
  const { datagrams, associations } = bound;
  const held = new Map<bigint, HeldSocket>();
  try {
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      const found = datagramSocketsAt({ address, port });
      if (found === undefined || found.length > MOST_AT_ONE_PORT) return 'outside';
      if (found.length === 0) return 'nobody';
      if (!found.every((cookie) => datagrams.has(cookie))) return 'outside';
      const missing = found.filter((cookie) => !held.has(cookie) && !associations.holds(cookie));
      // All have been held since before this look.
      if (missing.length === 0) return act(found, held);
      for (const cookie of missing) {
        const copy = datagrams.hold(cookie, members);
        if (copy >= 0) held.set(cookie, new HeldSocket(copy));
      }
    }
    return 'outside';
  } finally {
    for (const [cookie, socket] of held) if (associations.heldAs(cookie) !== socket) socket.letGo();
  }
}
