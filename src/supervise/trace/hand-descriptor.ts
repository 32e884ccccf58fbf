/**
 * Gives a tracee a descriptor that the supervisor has opened: ptrace(2) has no way to, a Unix socket has.
 *
 * The thread is made to make a socket, to give it an abstract name that was chosen here at random, to receive the
 * descriptor (SCM_RIGHTS, unix(7)) and to move it to the socket's own number, which is the lowest that was free, as
 * open(2) promises. What the supervisor has checked is what is sent; nothing that the target does to its memory can turn it
 * into something else, only spoil it. Landlock lets it pass: the sender is outside of the domain, and the file is open.
 */
import { Errno } from '../../linux/errno.ts';
import { addressOf, processVmWritev, syscall } from '../../linux/libc.ts';
import { O_CLOEXEC } from '../../linux/files.ts';
import { resume, skipSyscall } from '../../linux/ptrace.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { arena, readMemory } from '../target.ts';
import { GONE, type Injector } from './injector.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;

/** What lies where, in the tracee's page and in ours, which is a copy of it. */
const Place = { address: 0, header: 32, vector: 96, control: 112, data: 160, size: 168 } as const;
/** Of letters and digits, because programs read /proc/net/unix as text; 130 bits of chance. */
const NAME_LENGTH = 26;
const ALPHABET = Buffer.from('abcdefghijklmnopqrstuvwxyz234567');
const ADDRESS_LENGTH = 3 + NAME_LENGTH;
const CONTROL_LENGTH = 24;
const DESCRIPTOR = Place.control + 16;

const page = arena(PAGE);
const own = arena(PAGE);
const local = Buffer.from(new ArrayBuffer(16));
const remote = Buffer.from(new ArrayBuffer(16));

let sender: number | undefined;

/** Answers the call that a thread stands in with a copy of the descriptor. False: the thread is gone. */
export function handDescriptor(
  injector: Injector,
  tid: number,
  descriptor: number,
  closeOnExec: boolean,
): boolean {
  const begun = injector.begin(tid);
  if (begun < 0) return skipSyscall(tid, -Errno.EPERM) === 0 && resume(tid, 0) === 0;
  const result = receive(injector, tid, descriptor, closeOnExec);
  return result !== GONE && injector.end(result);
}

function receive(injector: Injector, tid: number, descriptor: number, closeOnExec: boolean): number {
  const address = injector.call(X86_64.mmap, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address < 0) return address;
  const result = receiveInto(injector, tid, address, descriptor, closeOnExec);
  if (result === GONE) return GONE;
  return injector.call(X86_64.munmap, address, PAGE) === GONE ? GONE : result;
}

function receiveInto(
  injector: Injector,
  tid: number,
  address: number,
  descriptor: number,
  closeOnExec: boolean,
): number {
  layOut(page.bytes, address);
  chooseName(page.bytes);
  if (!writeMemory(tid, address)) return -Errno.EPERM;
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const receiver = injector.call(X86_64.socket, AF_UNIX, type, 0);
  if (receiver < 0) return receiver;
  const received = receiveBy(injector, tid, address, receiver, descriptor);
  if (received === GONE) return GONE;
  if (received < 0) return injector.call(X86_64.close, receiver) === GONE ? GONE : received;
  const moved = injector.call(X86_64.dup3, received, receiver, closeOnExec ? O_CLOEXEC : 0);
  return injector.call(X86_64.close, received) === GONE ? GONE : moved;
}

function chooseName(bytes: Buffer): void {
  // Loaded here: it would make every start a fifth longer.
  const { randomFillSync } = process.getBuiltinModule('node:crypto');
  const begin = Place.address + 3;
  randomFillSync(bytes, begin, NAME_LENGTH);
  for (let at = begin; at < begin + NAME_LENGTH; at += 1) bytes[at] = ALPHABET[(bytes[at] ?? 0) & 31] ?? 0;
}

function receiveBy(
  injector: Injector,
  tid: number,
  address: number,
  receiver: number,
  descriptor: number,
): number {
  const bound = injector.call(X86_64.bind, receiver, address + Place.address, ADDRESS_LENGTH);
  if (bound === GONE) return GONE;
  if (bound < 0 || !send(descriptor)) return -Errno.EPERM;
  const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  const count = injector.call(X86_64.recvmsg, receiver, address + Place.header, flags);
  if (count < 0) return count === GONE ? GONE : -Errno.EPERM;
  if (readMemory(tid, address, own, Place.size) < 0) return -Errno.EPERM;
  // No room was left in the table: the message came without its descriptor.
  const arrived = own.bytes.readUInt32LE(Place.control + 12) === SCM_RIGHTS;
  const number = own.bytes.readInt32LE(DESCRIPTOR);
  return arrived && number >= 0 ? number : -Errno.EMFILE;
}

/** struct sockaddr_un, struct msghdr, struct iovec and room for a control message, at an address. */
function layOut(bytes: Buffer, at: number): void {
  bytes.fill(0, 0, Place.size);
  bytes.writeUInt16LE(AF_UNIX, Place.address);
  writeHeader(bytes, at);
}

function writeHeader(bytes: Buffer, at: number): void {
  bytes.writeBigUInt64LE(BigInt(at + Place.vector), Place.header + 16);
  bytes.writeBigUInt64LE(1n, Place.header + 24);
  bytes.writeBigUInt64LE(BigInt(at + Place.control), Place.header + 32);
  bytes.writeBigUInt64LE(BigInt(CONTROL_LENGTH), Place.header + 40);
  bytes.writeBigUInt64LE(BigInt(at + Place.data), Place.vector);
  bytes.writeBigUInt64LE(1n, Place.vector + 8);
}

/** Sends a descriptor to the name that is laid out in `page`. */
function send(descriptor: number): boolean {
  sender ??= syscall(X86_64.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0);
  if (sender < 0) return false;
  const { bytes, address } = own;
  bytes.fill(0, 0, Place.size);
  page.bytes.copy(bytes, Place.address, Place.address, Place.address + ADDRESS_LENGTH);
  writeHeader(bytes, address);
  bytes.writeBigUInt64LE(BigInt(address + Place.address), Place.header);
  bytes.writeUInt32LE(ADDRESS_LENGTH, Place.header + 8);
  bytes.writeBigUInt64LE(20n, Place.control); // CMSG_LEN(4)
  bytes.writeInt32LE(SOL_SOCKET, Place.control + 8);
  bytes.writeInt32LE(SCM_RIGHTS, Place.control + 12);
  bytes.writeInt32LE(descriptor, DESCRIPTOR);
  return syscall(X86_64.sendmsg, sender, address + Place.header, MSG_DONTWAIT, 0, 0, 0) === 1;
}

/** Writes `page` into a tracee's memory. */
function writeMemory(tid: number, address: number): boolean {
  local.writeBigUInt64LE(addressOf(page.bytes), 0);
  local.writeBigUInt64LE(BigInt(Place.size), 8);
  remote.writeBigUInt64LE(BigInt(address), 0);
  remote.writeBigUInt64LE(BigInt(Place.size), 8);
  return processVmWritev(tid, local, 1, remote, 1, 0) === Place.size;
}
