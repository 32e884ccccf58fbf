/**
 * The client: a static executable that becomes a command under a policy which a supervisor that runs already, the service,
 * puts in force. It connects, says what it wants, and does the rows that it is sent: no policy is known here. It stays the
 * child of whoever has started it.
 *
 *   client → service   the request, then records as of a launcher (protocol.ts)
 *   service → client   rows for `Region.table`, with the descriptors that they use (SCM_RIGHTS); then rows for `Region.word`:
 *                      those that execute the command, or that say why nothing is executed
 */
import { Errno } from '../linux/errno.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { stringBlob, zeros } from './blobs.ts';
import { STOP_CODE } from './code.ts';
import { farewellRows } from './farewell.ts';
import { buildImage, type Blob, type Row } from './image.ts';
import { Descriptor } from './protocol.ts';
import { Region } from './region.ts';
import { ENDED } from './served-rows.ts';
import { executeRow, stackWords } from './stack-words.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const FUTEX_WAIT_PRIVATE = 128;
const ETIMEDOUT = 110;
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const O_PATH_CLOEXEC = 0o12000000;
/** sizeof sun_path without the NUL (unix(7)). */
export const LONGEST_SOCKET_PATH = 107;
/** Room for the descriptors of one message. */
const CONTROL_SIZE = 64;

export interface ClientOptions {
  /** The path of the service's socket. */
  readonly socket: Buffer;
  /** What is sent to it. */
  readonly request: Buffer;
  /** What is executed where no service answers, with the client's own arguments behind these. */
  readonly fallback?: { readonly path: Buffer; readonly argv: readonly Buffer[] } | undefined;
  /** How socket and fallback are named in messages: printable text. */
  readonly names: { readonly socket: string; readonly fallback?: string };
}

/** The executable. Throws a RangeError for a socket's path that is too long. */
export function buildClient({ socket, request, fallback, names }: ClientOptions): Buffer {
  // Whatever fails before the service has said anything, and where it closes the connection instead.
  const otherwise = fallback
    ? fallbackRows(fallback, names.fallback ?? '')
    : farewellRows(`secfilt: no service answers at ${names.socket}\n`, STOP_CODE);
  const ended = farewellRows(ENDED, STOP_CODE);
  const word: Row = {
    ...row('read', X86_64.read, [Descriptor.report, Region.word, Region.wordSize]),
    onZero: ended[0],
  };
  const address = socketAddress(socket);
  return buildImage(
    [
      ...failGoesOnAt(otherwise[0]),
      ...standardStreams(row('socket', X86_64.socket, [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0])),
      row('connect', X86_64.connect, [Descriptor.report, { blob: address }, address.bytes.length]),
      ...sameUser(),
      row('sendto', X86_64.sendto, [
        Descriptor.report,
        { blob: { bytes: request } },
        request.length,
        MSG_NOSIGNAL,
      ]),
      {
        ...row('recvmsg', X86_64.recvmsg, [Descriptor.report, { blob: message() }, MSG_CMSG_CLOEXEC]),
        ...(otherwise[0] && { onZero: otherwise[0] }),
      },
      ...failGoesOnAt(word),
      jump(Region.table),
      word,
      jump(Region.word),
      ...ended,
      ...otherwise,
    ],
    Region,
  );
}

/** The same for a command that no service is asked about: an executable that executes another, by its path, with such words. */
export function buildExecutor(fallback: NonNullable<ClientOptions['fallback']>, name: string): Buffer {
  return buildImage(fallbackRows(fallback, name));
}

/**
 * A failure unless who listens is this very user: the directory of the socket may be anybody's by now, and what they send is done.
 * A futex(2) compares, and waits no time for a change: EAGAIN where the numbers differ.
 */
function sameUser(): Row[] {
  const credentials = zeros(12); // struct ucred: the user's number is the second of three
  const size = zeros(4);
  size.bytes.writeUInt32LE(credentials.bytes.length);
  const compare: Row = {
    ...row('futex', X86_64.futex, [
      { blob: credentials, offset: 4 },
      FUTEX_WAIT_PRIVATE,
      0,
      { blob: zeros(16) },
    ]),
    tolerate: ETIMEDOUT,
  };
  return [
    { ...row('geteuid', X86_64.geteuid, []), result: { row: compare, argument: 2 } },
    row('getsockopt', X86_64.getsockopt, [
      Descriptor.report,
      SOL_SOCKET,
      SO_PEERCRED,
      { blob: credentials },
      { blob: size },
    ]),
    compare,
  ];
}

/**
 * Takes the first three descriptors where they are not open, so that those that come have known numbers; closes all others. An
 * open one makes the row behind its question be left out.
 */
function standardStreams(next: Row): Row[] {
  const rows: Row[] = [next];
  for (const stream of [2, 1, 0]) {
    const question: Row = {
      ...row('fcntl', X86_64.fcntl, [stream, F_GETFD]),
      tolerate: Errno.EBADF,
      ...(rows[0] && { onZero: rows[0] }),
    };
    rows.unshift(question, row('open', X86_64.open, [{ blob: stringBlob('/') }, O_PATH_CLOEXEC]));
  }
  return [row('close_range', X86_64.close_range, [Descriptor.report, 0xffff_ffff, 0]), ...rows];
}

function fallbackRows({ path, argv }: NonNullable<ClientOptions['fallback']>, name: string): Row[] {
  const words = stackWords(argv, 1);
  const missing = farewellRows(`secfilt: ${name}: cannot be executed\n`, STOP_CODE);
  return [...words.rows, { ...executeRow('execve', path, words), tolerate: 'all' }, ...missing];
}

/** struct sockaddr_un. */
function socketAddress(path: Buffer): Blob {
  if (path.length > LONGEST_SOCKET_PATH) {
    throw new RangeError(`a socket's path has at most ${LONGEST_SOCKET_PATH} bytes`);
  }
  const bytes = Buffer.alloc(2 + path.length + 1);
  bytes.writeUInt16LE(AF_UNIX);
  path.copy(bytes, 2);
  return { bytes };
}

/** A struct msghdr for the rows that are to come. */
function message(): Blob {
  const vector = zeros(16);
  vector.bytes.writeBigUInt64LE(BigInt(Region.table), 0);
  vector.bytes.writeBigUInt64LE(BigInt(Region.tableSize), 8);
  const header = zeros(56);
  header.bytes.writeBigUInt64LE(1n, 24); // msg_iovlen
  header.bytes.writeBigUInt64LE(BigInt(CONTROL_SIZE), 40); // msg_controllen
  const pointers = [
    { at: 16, to: { blob: vector } },
    { at: 32, to: { blob: zeros(CONTROL_SIZE) } },
  ];
  return { ...header, pointers };
}

function failGoesOnAt(next: Row | undefined): Row[] {
  return next === undefined ? [] : [{ ...row('store', 0, [{ start: next }, Region.onFailure]), store: true }];
}

/** A call that always succeeds, and the row behind it. */
function jump(address: number): Row {
  return { ...row('fcntl', X86_64.fcntl, [Descriptor.report, F_SETFD, FD_CLOEXEC]), onZero: address };
}

/** Nobody is told of what fails here: the service has no name for it. */
function row(name: string, number: number, args: Row['arguments']): Row {
  return { name, number, arguments: args };
}
