/**
 * What the kernel itself says of Unix sockets (sock_diag(7), "UNIX domain sockets"): in structs, while the lines of
 * /proc/net/unix hold names, and a name holds what bytes its owner likes, line breaks too.
 */
import { Errno } from './errno.ts';
import { readProcText } from './files.ts';
import { ANY_COOKIE, ANY_STATE, State, askAll, askOne, attributeOf, requestOf } from './sock-diag.ts';
import { AF_UNIX, SOCK_DGRAM } from './sockets.ts';

/** The answer also says: the name, the file. */
const Show = { name: 1, file: 2 } as const;
const Attribute = { name: 0, file: 1 } as const;
/** Where things lie in struct unix_diag_msg, and its size. */
const TYPE = 1;
const STATE = 2;
const MESSAGE_SIZE = 16;
/** udiag_state of a socket that listens (TCP_LISTEN). */
const LISTENING = 10;
/** sizeof(struct unix_diag_req). */
const REQUEST_SIZE = 24;

const request = requestOf(REQUEST_SIZE);

/** Equal to no number, itself neither: what could not be found out is no match. */
const FAILED = Number.NaN;

/**
 * The low 32 bits of the inode number, as fdinfo names it, of the file that a Unix socket is bound to; undefined where
 * the kernel does not tell (no CONFIG_UNIX_DIAG), NaN where asking failed.
 * @param inode the socket's own, of fstat(2)
 */
export function boundInode(inode: bigint): number | undefined {
  const answer = askOne(question(inode, ANY_COOKIE, Show.file, ANY_STATE));
  // The socket is there, so it is the family that nobody tells of.
  if (answer === -Errno.ENOENT || answer === -Errno.EPROTONOSUPPORT) return undefined;
  return typeof answer === 'number' ? FAILED : fileInode(answer);
}

/**
 * Whether a Unix socket is still there, bound to what it was bound to.
 * @param inode of fstat(2)
 * @param cookie which no other socket ever gets (socket(7), SO_COOKIE)
 */
export function socketLife(inode: bigint, cookie: bigint): 'alive' | 'gone' | 'unknown' {
  const answer = askOne(question(inode, cookie, 0, ANY_STATE));
  if (typeof answer !== 'number') return 'alive';
  // ESTALE: another socket has the inode number by now.
  return answer === -Errno.ENOENT || answer === -Errno.ESTALE ? 'gone' : 'unknown';
}

/**
 * Whether a socket of this type could be reached by an abstract name: a stream listens, a datagram socket has it. True
 * also where the kernel does not tell.
 * @param name without the leading NUL
 */
export function hasReachable(type: number, name: Uint8Array): boolean {
  // Connections that were accepted have the name too.
  const states = type === SOCK_DGRAM ? State.close | State.established : State.listen;
  const wanted = Buffer.concat([Buffer.alloc(1), name]);
  let found = false;
  const isComplete = askAll(question(0n, 0n, Show.name, states), (message) => {
    const isSameType = message[TYPE] === type;
    found = isSameType && attributeOf(message, MESSAGE_SIZE, Attribute.name)?.equals(wanted) === true;
    return found;
  });
  return found || !isComplete;
}

/**
 * What a connect or send by a socket file would meet: a socket that takes it, one of another type, or nobody.
 * 'unknown' where the kernel does not tell. Of another network namespace it tells nothing.
 * @param descriptor an O_PATH descriptor of the file
 */
export function reachableAt(type: number, descriptor: number): 'taken' | 'other type' | 'nobody' | 'unknown' {
  const file = innerInode(descriptor);
  if (file === undefined || Number.isNaN(file)) return 'unknown';
  let found: 'taken' | 'other type' | 'nobody' = 'nobody';
  const isComplete = askAll(question(0n, 0n, Show.file, ANY_STATE), (message) => {
    // A number that another file system has too is taken for this one: then it is a refusal, as ever.
    if (fileInode(message) !== file) return false;
    if (message[TYPE] !== type) {
      if (found === 'nobody') found = 'other type';
      return false;
    }
    if (type === SOCK_DGRAM || message[STATE] === LISTENING) found = 'taken';
    return found === 'taken';
  });
  return isComplete ? found : 'unknown';
}

function question(inode: bigint, cookie: bigint, show: number, states: number): Buffer {
  request.fill(0);
  request[0] = AF_UNIX;
  request.writeUInt32LE(states >>> 0, 4);
  request.writeUInt32LE(Number(BigInt.asUintN(32, inode)), 8);
  request.writeUInt32LE(show, 12);
  request.writeBigUInt64LE(cookie, 16);
  return request;
}

function fileInode(message: Buffer): number {
  const file = attributeOf(message, MESSAGE_SIZE, Attribute.file);
  return file === undefined || file.length < 4 ? FAILED : file.readUInt32LE(0);
}

/** The inode number that the kernel itself has for an open file: that of stat(2) can be another (overlayfs, btrfs). Undefined before Linux 5.14. */
export function innerInode(descriptor: number): number | undefined {
  const text = readProcText(`/proc/self/fdinfo/${descriptor}`);
  if (typeof text === 'number') return FAILED;
  const found = /^ino:\s*(\d+)$/m.exec(text);
  return found?.[1] === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(found[1])));
}
