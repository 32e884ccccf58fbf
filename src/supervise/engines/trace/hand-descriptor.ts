/**
 * Gives a tracee a descriptor that the supervisor has opened: ptrace(2) has no way to, a Unix socket has.
 *
 * The thread is made to make a socket. The supervisor takes a copy of that (pidfd_getfd(2)), binds it to a name that the kernel
 * chooses, and sends the descriptor from the socket to itself (SCM_RIGHTS, unix(7)): whoever else would receive it has the
 * socket already. The thread is made to move the socket up and to receive the descriptor at its number, which is the lowest that
 * was free, as open(2) promises. What is sent, and to whom, depends on nothing in the target's memory: what is there only says
 * where the thread receives its own descriptor. Landlock lets it pass: the sender is outside of the domain, and the file is open.
 */
import { Errno } from '../../../linux/errno.ts';
import { looking } from '../../../linux/impersonation.ts';
import { addressOf, close, processVmWritev } from '../../../linux/libc.ts';
import { Fcntl } from '../../../linux/fcntl.ts';
import { TIOCSCTTY } from '../../../linux/ioctl.ts';
import { resume, skipSyscall } from '../../../linux/ptrace.ts';
import {
  AF_UNIX,
  bind,
  localAddress,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  send,
  SOCK_DGRAM,
  socketKind,
  SOL_SOCKET,
  UNIX_PATH_OFFSET,
} from '../../../linux/sockets.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import type { HandedDescriptor } from '../../referral.ts';
import { mayControl } from '../../target/controlling.ts';
import { copyDescriptor } from '../../target/descriptor.ts';
import { arena, readMemory } from '../../target/target.ts';
import { closeLingering } from '../../watch.ts';
import { GONE, type Injector } from './injector.ts';
import { withOneMore } from './one-more-number.ts';

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;

/** So many free numbers it takes: the descriptor's own, and for a moment the socket's. */
export const NUMBERS_TO_HAND = 2;

/** What lies where in the tracee's page: struct msghdr, struct iovec and room for a control message and a byte. */
const Place = { header: 0, vector: 64, control: 80, data: 128, size: 136 } as const;
const CONTROL_LENGTH = 24;
/** Of the one descriptor, behind struct cmsghdr. */
const DESCRIPTOR = 16;

/** AF_UNIX and no name: the kernel chooses an abstract one (unix(7), "Autobind feature"). */
const ANY_NAME = Buffer.from([AF_UNIX, 0]);

const page = arena(PAGE);
const own = arena(PAGE);
const control = Buffer.from(new ArrayBuffer(CONTROL_LENGTH));
const local = Buffer.from(new ArrayBuffer(16));
const remote = Buffer.from(new ArrayBuffer(16));

/** Answers the call that a thread stands in with a copy of the descriptor, and closes ours. False: the thread is gone. */
export function handDescriptor(injector: Injector, tid: number, handed: HandedDescriptor): boolean {
  const { descriptor } = handed;
  const begun = injector.begin(tid);
  const result = begun < 0 ? begun : receive(injector, tid, handed);
  // Before the thread runs on: while we have the file open too it could not be executed, nor would a lock on it end with its own.
  close(descriptor);
  if (result === GONE) return false;
  if (begun < 0) return skipSyscall(tid, -Errno.EPERM) === 0 && resume(tid, 0) === 0;
  return injector.end(result);
}

/**
 * The socket moves up, not the file down to where the socket was: of a file that a process closes at any number its locks are gone
 * (fcntl(2), "Advisory record locking").
 */
function receive(
  injector: Injector,
  tid: number,
  { descriptor, closeOnExec, controls }: HandedDescriptor,
): number {
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const lowest = injector.call(X86_64.socket, AF_UNIX, type, 0);
  if (lowest < 0) return lowest;
  if (!sendBy(tid, lowest, descriptor)) return closing(injector, lowest, -Errno.EPERM);
  const move = (): number => injector.call(X86_64.fcntl, lowest, Fcntl.F_DUPFD_CLOEXEC, lowest);
  const moved = move();
  const receiver = moved === -Errno.EMFILE ? withOneMore(tid, move) : moved;
  if (receiver === GONE || receiver < 0) return closing(injector, lowest, receiver);
  // The lowest number is free again for what comes.
  if (injector.call(X86_64.close, lowest) === GONE) return GONE;
  const received = closing(injector, receiver, receiveBy(injector, tid, receiver, closeOnExec));
  // The kernel takes it for what it is: whether the session has a terminal, and the terminal a session, it looks itself.
  const takes = received !== GONE && received >= 0 && controls === true && mayControl(tid, descriptor);
  return takes && injector.call(X86_64.ioctl, received, TIOCSCTTY, 0) === GONE ? GONE : received;
}

/** Closes a descriptor of the tracee's when all is done with it. */
function closing(injector: Injector, descriptor: number, result: number): number {
  if (result === GONE) return GONE;
  return injector.call(X86_64.close, descriptor) === GONE ? GONE : result;
}

function receiveBy(injector: Injector, tid: number, receiver: number, closeOnExec: boolean): number {
  const address = injector.call(X86_64.mmap, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address < 0) return address;
  const result = receiveInto(injector, tid, address, receiver, closeOnExec);
  if (result === GONE) return GONE;
  return injector.call(X86_64.munmap, address, PAGE) === GONE ? GONE : result;
}

function receiveInto(
  injector: Injector,
  tid: number,
  address: number,
  receiver: number,
  closeOnExec: boolean,
): number {
  layOut(page.bytes, address);
  if (!writeMemory(tid, address)) return -Errno.EPERM;
  const flags = MSG_DONTWAIT | (closeOnExec ? MSG_CMSG_CLOEXEC : 0);
  const count = injector.call(X86_64.recvmsg, receiver, address + Place.header, flags);
  if (count < 0) return count === GONE ? GONE : -Errno.EPERM;
  if (readMemory(tid, address, own, Place.size) < 0) return -Errno.EPERM;
  // No room was left in the table: the message came without its descriptor.
  const arrived = own.bytes.readUInt32LE(Place.control + 12) === SCM_RIGHTS;
  // Another thread may have written another number here. It is one of the target's own, as is what becomes of it.
  const number = own.bytes.readInt32LE(Place.control + DESCRIPTOR);
  return arrived && number >= 0 ? number : -Errno.EMFILE;
}

/** Sends a descriptor through a socket of the target's to that very socket. */
function sendBy(tid: number, receiver: number, descriptor: number): boolean {
  const copy = copyDescriptor(tid, receiver);
  if (copy < 0) return false;
  const name = nameFresh(copy);
  if (name === undefined) {
    // Whatever another thread has put there may linger.
    closeLingering(copy);
    return false;
  }
  const sent = sendTo(copy, name, descriptor);
  close(copy);
  return sent;
}

/** Names a datagram socket that has no name. Undefined where it is no such: another thread has put it in the place of ours. */
function nameFresh(socket: number): Buffer | undefined {
  const kind = socketKind(socket);
  if (typeof kind === 'number' || kind.domain !== AF_UNIX || kind.type !== SOCK_DGRAM) return undefined;
  const before = localAddress(socket);
  if (typeof before === 'number' || before.length !== UNIX_PATH_OFFSET) return undefined;
  if (bind(socket, ANY_NAME) < 0) return undefined;
  const name = localAddress(socket);
  // Should it have been bound in between, then to a name in its own network namespace, where no other has that, or to a file.
  if (typeof name === 'number' || name.length <= UNIX_PATH_OFFSET || name[UNIX_PATH_OFFSET] !== 0)
    return undefined;
  return Buffer.from(name);
}

function sendTo(socket: number, name: Buffer, descriptor: number): boolean {
  control.fill(0);
  control.writeUInt32LE(20, 0); // CMSG_LEN(4)
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, DESCRIPTOR);
  return send(socket, own.address, 1, MSG_DONTWAIT | MSG_NOSIGNAL, name, control) === 1;
}

function layOut(bytes: Buffer, at: number): void {
  bytes.fill(0, 0, Place.size);
  bytes.writeBigUInt64LE(BigInt(at + Place.vector), Place.header + 16);
  bytes.writeBigUInt64LE(1n, Place.header + 24);
  bytes.writeBigUInt64LE(BigInt(at + Place.control), Place.header + 32);
  bytes.writeBigUInt64LE(BigInt(CONTROL_LENGTH), Place.header + 40);
  bytes.writeBigUInt64LE(BigInt(at + Place.data), Place.vector);
  bytes.writeBigUInt64LE(1n, Place.vector + 8);
}

/** Writes `page` into a tracee's memory. */
function writeMemory(tid: number, address: number): boolean {
  local.writeBigUInt64LE(addressOf(page.bytes), 0);
  local.writeBigUInt64LE(BigInt(Place.size), 8);
  remote.writeBigUInt64LE(BigInt(address), 0);
  remote.writeBigUInt64LE(BigInt(Place.size), 8);
  return looking(() => processVmWritev(tid, local, 1, remote, 1, 0)) === Place.size;
}
