/** What systemd and its like hand to a service, and want to hear from it (sd_listen_fds(3), sd_notify(3)). */
import { addressOf, close, syscall } from './libc.ts';
import {
  AF_UNIX,
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SO_ACCEPTCONN,
  SO_TYPE,
  send,
  socketOption,
} from './sockets.ts';
import { X86_64 } from './syscalls.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const FIRST_HANDED_OVER = 3;
const SOCK_CLOEXEC = 0x8_0000;

/** The socket that this process was handed, which listens already; undefined: none was. Throws an Error where there are several. */
export function handedListener(environment: Environment): number | undefined {
  if (Number(environment['LISTEN_PID']) !== process.pid) return undefined;
  const count = Number(environment['LISTEN_FDS']);
  const isOne =
    count === 1 &&
    socketOption(FIRST_HANDED_OVER, SO_ACCEPTCONN) === 1 &&
    socketOption(FIRST_HANDED_OVER, SO_TYPE) === SOCK_SEQPACKET;
  if (isOne) return FIRST_HANDED_OVER;
  throw new Error(
    `LISTEN_FDS=${environment['LISTEN_FDS']}: one socket that listens is wanted (ListenSequentialPacket=)`,
  );
}

/** Tells the service manager, where there is one. Who does not listen is not waited for. */
export function tellManager(environment: Environment, state: string): void {
  const path = environment['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return;
  const socket = syscall(X86_64.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0);
  if (socket < 0) return;
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const text = Buffer.from(state);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name]);
  send(socket, Number(addressOf(text)), text.length, MSG_NOSIGNAL, address, undefined);
  close(socket);
}
