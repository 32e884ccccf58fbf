/**
 * Calls that reach other hosts, or other processes through sockets (socket(7), unix(7)).
 */
import { type CallClass, type Part, type RegisterRule, registers } from './call-class.ts';

export const NETWORK = {
  socket: registers('socket-family', 'only ordinary families and protocols', { when: 'network' }),
  socketpair: registers('socket-family', 'only ordinary families and protocols', { when: 'network' }),
  connect: network('reaches out; a Unix socket may be a service outside the sandbox'),
  bind: network('takes an address; a Unix path makes a file'),
  sendto: network('may name a destination, and may connect', 'sendto-address'),
  sendmsg: network('may name a destination in memory'),
  sendmmsg: network('may name many destinations in memory'),
  setsockopt: registers(
    'setsockopt-option',
    'some options connect, or send by another way than the address says',
    {
      judge: 'network',
      when: 'network',
    },
  ),
  listen: registers(
    'listen-port',
    'a socket that has no port gets one, and is reached from inside then; some ports may be closed',
    {
      judge: 'network',
      when: 'network',
    },
  ),
  recvfrom: received('receive-from'),
  recvmsg: received('receive-message'),
  recvmmsg: received('receive-message'),
  getpeername: received('receive-message'),
  getsockopt: registers('getsockopt-option', 'SCTP connects by an option that is read', { when: 'network' }),
} satisfies Part;

/** Who asks a resolver asks the supervisor in its place, where names are judged. */
function received(rule: RegisterRule): CallClass {
  const note = 'nothing is refused; who asked a resolver is told that it has answered';
  return registers(rule, note, { judge: 'network', when: 'network' });
}

/** Under any restriction: a Unix socket is a way to write, and a service behind one a way to connect. */
function network(note: string, rule?: RegisterRule): CallClass {
  return { kind: 'referred', judge: 'network', when: 'any', ...(rule && { rule }), note };
}
