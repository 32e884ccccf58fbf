/** listen(2) of a socket that was bound to nothing: the kernel gives it a port, as bind(2) would, and others inside may connect to it. */
import { listen as listenOurs } from '../../linux/sockets.ts';
import { Errno } from '../../linux/errno.ts';
import { CONTINUE_CALL, fail, resultReply, type Referral, type Reply } from '../referral.ts';
import type { NetworkContext, NetworkHandler } from './context.ts';
import { listenWhereAllowed } from './listening.ts';
import { addListener, markListener } from './loopback.ts';
import { closeSocket, hasPort, isTcp, openSocket, type TargetSocket } from './target-socket.ts';

export const listen: NetworkHandler = (referral, context) => {
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return fail(-socket);
  const reply = context.listening.restricted
    ? listenWhereAllowed(referral, context, socket)
    : listenKnown(referral, context, socket);
  closeSocket(socket);
  return reply;
};

/** One that has a port is known, or somebody's outside. Nothing is decided about it. */
function listenKnown(referral: Referral, context: NetworkContext, socket: TargetSocket): Reply {
  return isTcp(socket) && !hasPort(socket) ? listenAnywhere(referral, context, socket) : CONTINUE_CALL;
}

function listenAnywhere(referral: Referral, context: NetworkContext, socket: TargetSocket): Reply {
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  if (!context.network.anyAddress) markListener(socket);
  const result = listenOurs(socket.descriptor, referral.int(1));
  if (result === 0) addListener(context.bound, socket);
  return resultReply(result);
}
