/** What a target wants to send, copied once: struct msghdr and what it points at (send(2)). */
import { Errno } from '../../linux/errno.ts';
import { LONGEST_ADDRESS } from '../../linux/sockets.ts';
import { arena, readMemory } from '../target/target.ts';
import { readAddress } from './target-socket.ts';
import { addressAt, readVector, type Vector } from './vector.ts';

/** sizeof(struct msghdr); struct mmsghdr has the count behind it. */
const HEADER_SIZE = 56;
export const MANY_SIZE = 64;
const INT_MAX = 0x7fff_ffffn;

export interface Message {
  /** The address; undefined: the peer's. */
  readonly name: Buffer | undefined;
  readonly data: Vector;
  /** Where the control messages lie in the target, and how long they are. */
  readonly control: { readonly address: number; readonly length: bigint };
}

const header = arena(HEADER_SIZE);

/** Copies the header, the address and the vector. Returns a negated error number as the kernel would. */
export function readMessage(tid: number, address: number): Message | number {
  const result = readMemory(tid, address, header, HEADER_SIZE);
  if (result < 0) return result;
  const { bytes } = header;
  const nameAddress = addressAt(bytes, 0);
  const nameLength = bytes.readInt32LE(8);
  const vectorAddress = addressAt(bytes, 16);
  const vectorCount = bytes.readBigUInt64LE(24);
  const control = { address: addressAt(bytes, 32), length: bytes.readBigUInt64LE(40) };
  const name = nameAddress === 0 ? undefined : readName(tid, nameAddress, nameLength);
  if (typeof name === 'number') return name;
  const data = readVector(tid, vectorAddress, vectorCount);
  if (typeof data === 'number') return data;
  if (control.length > INT_MAX) return -Errno.ENOBUFS;
  return { name, data, control };
}

/** Unlike sendto(2), a message header may say more than the longest address: the rest is passed over. */
function readName(tid: number, address: number, length: number): Buffer | number | undefined {
  if (length < 0) return -Errno.EINVAL;
  return length === 0 ? undefined : readAddress(tid, address, Math.min(length, LONGEST_ADDRESS));
}
