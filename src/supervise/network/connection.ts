/**
 * Sends on a connection: a Unix stream, or a connection of packets, has no way to another address (unix(7): a name is an
 * error or is passed over), so there is nothing to judge, and the kernel may go on with the call where the descriptor
 * stays what it is. Then the peer sees the sender's own process id, not the supervisor's.
 */
import { AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM } from '../../linux/sockets.ts';
import type { Referral } from '../referral.ts';
import type { NetworkContext } from './context.ts';
import { closeSocket, openSocket, type TargetSocket } from './target-socket.ts';

function isConnection({ kind: { domain, type } }: TargetSocket): boolean {
  return domain === AF_UNIX && (type === SOCK_STREAM || type === SOCK_SEQPACKET);
}

/** True where a send on this socket may go on. Looks at the descriptor again, now that nobody can change it. */
export function mayGoOn(
  referral: Referral,
  context: NetworkContext,
  socket: TargetSocket,
  descriptor: number,
): boolean {
  if (!isConnection(socket)) return false;
  const stays = context.descriptorTables.whileAlone(referral, () => {
    const again = openSocket(referral.tid, descriptor);
    if (typeof again === 'number') return false;
    closeSocket(again);
    return isConnection(again);
  });
  return stays === true;
}
