/**
 * Receiving on a socket that was led to a stub: resolver libraries look whether an answer comes from whom they have asked, so its sender is
 * told as the resolver. Performed for such sockets alone; nothing is judged here, and everything else goes on.
 */
import { Errno } from '../../../linux/errno.ts';
import { F_GETFL, O_NONBLOCK } from '../../../linux/files.ts';
import { mappedAddress, socketAddress } from '../../../linux/internet-sockets.ts';
import { close, fcntl, syscall } from '../../../linux/libc.ts';
import {
  AF_INET6,
  LONGEST_ADDRESS,
  MSG_DONTWAIT,
  peerAddress,
  receiveTimeout,
  socketCookie,
} from '../../../linux/sockets.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import { internetAddressOf } from '../../../judge/destination.ts';
import { copyDescriptor } from '../../target/descriptor.ts';
import { arena, readMemory } from '../../target/target.ts';
import { interruption } from '../../interruption.ts';
import type { PendingCall, Unfinished } from '../../pending.ts';
import {
  CONTINUE_CALL,
  PENDING,
  SUCCESS,
  fail,
  resultReply,
  type Referral,
  type Reply,
} from '../../referral.ts';
import { closeLingering } from '../../watch.ts';
import type { NetworkContext, NetworkHandler } from '../context.ts';
import { isDatagram, openSocket, type TargetSocket } from '../target-socket.ts';
import { MANY_SIZE } from '../message.ts';
import { addressAt, readVector, vectorOf, writeMemory, writeScattered, type Vector } from '../vector.ts';
import type { NameService } from './name-service.ts';

const POLLIN = 1;
const MSG_ERRQUEUE = 0x2000;
const MSG_WAITFORONE = 0x1_0000;
const HEADER_SIZE = 56;
const COUNT_OFFSET = 56;
const LONGEST_DATAGRAM = 65_536;
const LONGEST_CONTROL = 4096;
/** Of one recvmmsg(2). */
const MOST_MESSAGES = 64;

export const recvfrom: NetworkHandler = (referral, context) => {
  const flags = referral.int(3);
  const socket = ledSocket(referral, context, flags);
  if (socket === undefined) return CONTINUE_CALL;
  const wanted = referral.long(2);
  const data = vectorOf(referral.pointer(1), Number(wanted > LONGEST_DATAGRAM ? LONGEST_DATAGRAM : wanted));
  const name = { address: referral.pointer(4), lengthAt: referral.pointer(5) };
  return new ReceiveCall(context, socket, flags, { kind: 'plain', data, name }).begin(referral);
};

export const recvmsg: NetworkHandler = (referral, context) => {
  const flags = referral.int(2);
  const socket = ledSocket(referral, context, flags);
  if (socket === undefined) return CONTINUE_CALL;
  const target = { kind: 'message', address: referral.pointer(1) } as const;
  return new ReceiveCall(context, socket, flags, target).begin(referral);
};

/** Messages that are there are taken; it waits for the first alone, as with MSG_WAITFORONE. */
export const recvmmsg: NetworkHandler = (referral, context) => {
  const flags = referral.int(3);
  const socket = ledSocket(referral, context, flags);
  if (socket === undefined) return CONTINUE_CALL;
  const count = Math.min(referral.uint(2), MOST_MESSAGES);
  const target = { kind: 'messages', address: referral.pointer(1), count } as const;
  return new ReceiveCall(context, socket, flags & ~MSG_WAITFORONE, target).begin(referral);
};

/** getpeername(2): who was led to a stub is told that he is connected to the resolver. */
export const getpeername: NetworkHandler = (referral, context) => {
  const { names } = context;
  if (names === undefined || !names.hasLed) return CONTINUE_CALL;
  const descriptor = copyDescriptor(referral.tid, referral.int(0));
  if (descriptor < 0) return CONTINUE_CALL;
  const peer = peerAddress(descriptor);
  const told = typeof peer === 'number' ? undefined : senderTold(names, Buffer.from(peer));
  closeLingering(descriptor);
  if (told === undefined) return CONTINUE_CALL;
  if (!referral.isCurrent()) return fail(Errno.ESRCH);
  const error = writeName(referral.tid, told, {
    address: referral.pointer(1),
    lengthAt: referral.pointer(2),
  });
  return error < 0 ? fail(-error) : SUCCESS;
};

/** Our copy of a UDP socket that was led; undefined where it was not. */
function ledSocket(referral: Referral, { names }: NetworkContext, flags: number): TargetSocket | undefined {
  if (names === undefined || !names.hasLed || (flags & MSG_ERRQUEUE) !== 0) return undefined;
  const socket = openSocket(referral.tid, referral.int(0));
  if (typeof socket === 'number') return undefined;
  const cookie = isDatagram(socket) ? socketCookie(socket.descriptor) : -1;
  if (typeof cookie === 'bigint' && names.isLed(cookie) && referral.isCurrent()) return socket;
  closeLingering(socket.descriptor);
  return undefined;
}

/** The resolver's address in the place of a stub's: struct sockaddr of the same family; undefined where it is none. */
function senderTold(names: NameService, sender: Buffer): Buffer | undefined {
  const place = internetAddressOf(sender);
  const resolver = place && names.resolverAt(place.address, place.port);
  if (resolver === undefined) return undefined;
  const told = socketAddress(resolver.address, resolver.port);
  return sender.readUInt16LE(0) === AF_INET6 ? mappedAddress(told) : told;
}

/** Where a struct sockaddr goes, and where its length is. */
interface NamePlace {
  readonly address: number;
  readonly lengthAt: number;
}

type Place =
  | { readonly kind: 'plain'; readonly data: Vector; readonly name: NamePlace }
  | { readonly kind: 'message'; readonly address: number }
  | { readonly kind: 'messages'; readonly address: number; readonly count: number };

const data = arena(LONGEST_DATAGRAM);
const control = arena(LONGEST_CONTROL);
const name = arena(LONGEST_ADDRESS);
const header = arena(HEADER_SIZE);
const vector = arena(16);
const theirs = arena(HEADER_SIZE);
const word = arena(8);

class ReceiveCall implements PendingCall {
  readonly #context: NetworkContext;
  readonly #socket: TargetSocket;
  readonly #flags: number;
  readonly #place: Place;
  #referral: Referral | undefined;
  #timeout = Infinity;

  constructor(context: NetworkContext, socket: TargetSocket, flags: number, place: Place) {
    this.#context = context;
    this.#socket = socket;
    this.#flags = flags;
    this.#place = place;
  }

  begin(referral: Referral): Reply {
    const result = this.#try(referral);
    if (result !== -Errno.EAGAIN || !this.#blocks()) {
      this.release();
      return resultReply(result);
    }
    this.#timeout = receiveTimeout(this.#socket.descriptor);
    this.#referral = referral.detach();
    this.#context.pending.add(this);
    return PENDING;
  }

  get referral(): Referral {
    if (this.#referral === undefined) throw new Error('the call does not wait');
    return this.#referral;
  }

  get descriptor(): number {
    return this.#socket.descriptor;
  }

  readonly events = POLLIN;

  get timeout(): number {
    return this.#timeout;
  }

  attempt(): Reply | Unfinished {
    const result = this.#try(this.referral);
    return result === -Errno.EAGAIN ? 'moved' : resultReply(result);
  }

  expired(): Reply {
    return fail(Errno.EAGAIN);
  }

  interrupted(restart: boolean): Reply {
    return interruption(this.#timeout, restart);
  }

  release(): void {
    close(this.#socket.descriptor);
  }

  #blocks(): boolean {
    if ((this.#flags & MSG_DONTWAIT) !== 0) return false;
    const flags = fcntl(this.#socket.descriptor, F_GETFL, 0);
    return flags >= 0 && (flags & O_NONBLOCK) === 0;
  }

  #try(referral: Referral): number {
    const { tid } = referral;
    const place = this.#place;
    switch (place.kind) {
      case 'plain':
        return this.#plain(tid, place);
      case 'message':
        return this.#message(tid, place.address);
      case 'messages':
        return this.#messages(tid, place);
    }
  }

  #plain(tid: number, place: Extract<Place, { kind: 'plain' }>): number {
    const size = this.#receive(Math.min(place.data.total, LONGEST_DATAGRAM), 0);
    if (size < 0) return size;
    const written = writeScattered(tid, place.data, data, Math.min(size, place.data.total));
    if (written < 0) return written;
    const error = writeName(tid, this.#sender(), place.name);
    return error < 0 ? error : size;
  }

  /** struct msghdr (recv(2)). */
  #message(tid: number, address: number): number {
    const error = address < 0 ? -Errno.EFAULT : readMemory(tid, address, theirs, HEADER_SIZE);
    if (error < 0) return error;
    const { bytes } = theirs;
    const [nameAt, nameLength] = [addressAt(bytes, 0), bytes.readInt32LE(8)];
    const [vectorAt, vectorCount] = [addressAt(bytes, 16), bytes.readBigUInt64LE(24)];
    const [controlAt, controlLength] = [addressAt(bytes, 32), bytes.readBigUInt64LE(40)];
    if (nameAt !== 0 && nameLength < 0) return -Errno.EINVAL;
    const scattered = readVector(tid, vectorAt, vectorCount);
    if (typeof scattered === 'number') return scattered;
    const room = Number(controlLength > LONGEST_CONTROL ? LONGEST_CONTROL : controlLength);
    const size = this.#receive(Math.min(scattered.total, LONGEST_DATAGRAM), room);
    if (size < 0) return size;
    const controlSize = Number(header.bytes.readBigUInt64LE(40));
    const told = this.#sender();
    const results = [
      writeScattered(tid, scattered, data, Math.min(size, scattered.total)),
      controlSize === 0 ? 0 : writeMemory(tid, controlAt, control, controlSize),
    ];
    if (nameAt !== 0) {
      name.bytes.set(told);
      results.push(writeMemory(tid, nameAt, name, Math.min(told.length, nameLength)));
      word.bytes.writeUInt32LE(told.length);
      results.push(writeMemory(tid, address + 8, word, 4));
    }
    word.bytes.writeBigUInt64LE(BigInt(controlSize));
    results.push(writeMemory(tid, address + 40, word, 8));
    word.bytes.writeInt32LE(header.bytes.readInt32LE(48));
    results.push(writeMemory(tid, address + 48, word, 4));
    return results.find((one) => one < 0) ?? size;
  }

  #messages(tid: number, { address, count }: Extract<Place, { kind: 'messages' }>): number {
    for (let done = 0; done < count; done += 1) {
      const at = address < 0 ? address : address + done * MANY_SIZE;
      const size = this.#message(tid, at);
      if (size < 0) return done > 0 ? done : size;
      word.bytes.writeUInt32LE(size);
      const error = writeMemory(tid, at + COUNT_OFFSET, word, 4);
      if (error < 0) return done > 0 ? done : error;
    }
    return count;
  }

  /** Into our own memory, without waiting. */
  #receive(size: number, controlSize: number): number {
    const { bytes } = header;
    bytes.fill(0, 0, HEADER_SIZE);
    bytes.writeBigUInt64LE(BigInt(name.address), 0);
    bytes.writeUInt32LE(LONGEST_ADDRESS, 8);
    bytes.writeBigUInt64LE(BigInt(vector.address), 16);
    bytes.writeBigUInt64LE(1n, 24);
    if (controlSize > 0) bytes.writeBigUInt64LE(BigInt(control.address), 32);
    bytes.writeBigUInt64LE(BigInt(controlSize), 40);
    vector.bytes.writeBigUInt64LE(BigInt(data.address), 0);
    vector.bytes.writeBigUInt64LE(BigInt(size), 8);
    const flags = this.#flags | MSG_DONTWAIT;
    return syscall(X86_64.recvmsg, this.#socket.descriptor, header.address, flags, 0, 0, 0);
  }

  /** struct sockaddr of who has sent what was received. */
  #sender(): Buffer {
    const length = Math.min(header.bytes.readUInt32LE(8), LONGEST_ADDRESS);
    const sender = Buffer.from(name.bytes.subarray(0, length));
    const { names } = this.#context;
    return (names && senderTold(names, sender)) ?? sender;
  }
}

/** As the kernel's move_addr_to_user does: as much as there is room for, and how long it is. */
function writeName(tid: number, address: Buffer, place: NamePlace): number {
  if (place.address === 0) return 0;
  const error = readMemory(tid, place.lengthAt, word, 4);
  if (error < 0) return error;
  const room = word.bytes.readInt32LE(0);
  if (room < 0) return -Errno.EINVAL;
  name.bytes.set(address);
  const written = writeMemory(tid, place.address, name, Math.min(room, address.length));
  if (written < 0) return written;
  word.bytes.writeUInt32LE(address.length);
  return writeMemory(tid, place.lengthAt, word, 4);
}
