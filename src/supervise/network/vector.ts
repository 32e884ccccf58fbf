/** Scattered memory of a target: struct iovec arrays and what they point at (readv(2)). */
import { Errno } from '../../linux/errno.ts';
import { looking } from '../../linux/impersonation.ts';
import { addressOf, processVmReadv, processVmWritev } from '../../linux/libc.ts';
import { arena, readMemory, type Arena } from '../target/target.ts';

const HALF = 2 ** 32;
/** UIO_MAXIOV. */
export const MOST_VECTORS = 1024;
/** MAX_RW_COUNT: one call moves no more. */
export const MOST_BYTES = 0x7fff_f000;
const VECTOR_SIZE = 16;
/** Above this no user address lies on x86-64. */
const HIGHEST_ADDRESS_HALF = 0x20_0000;

/** Places in a target's memory, as pairs of address and length. */
export interface Vector {
  readonly places: readonly { readonly address: number; readonly length: number }[];
  readonly total: number;
}

/** An address out of memory; -1, which nothing can be read from, where it is none. */
export function addressAt(bytes: Buffer, offset: number): number {
  const high = bytes.readUInt32LE(offset + 4);
  return high >= HIGHEST_ADDRESS_HALF ? -1 : high * HALF + bytes.readUInt32LE(offset);
}

/** One place. */
export function vectorOf(address: number, length: number): Vector {
  return { places: [{ address, length }], total: length };
}

const table = arena(MOST_VECTORS * VECTOR_SIZE);

/** Copies an array of struct iovec. Returns a negated error number as the kernel would: EMSGSIZE, EFAULT, EINVAL. */
export function readVector(tid: number, address: number, count: bigint): Vector | number {
  if (count > BigInt(MOST_VECTORS)) return -Errno.EMSGSIZE;
  const size = Number(count) * VECTOR_SIZE;
  const result = readMemory(tid, address, table, size);
  if (result < 0) return result;
  const places = [];
  let total = 0;
  for (let offset = 0; offset < size; offset += VECTOR_SIZE) {
    if (table.bytes.readInt32LE(offset + 12) < 0) return -Errno.EINVAL;
    const wanted = table.bytes.readUInt32LE(offset + 12) * HALF + table.bytes.readUInt32LE(offset + 8);
    const length = Math.min(wanted, MOST_BYTES - total);
    const start = addressAt(table.bytes, offset);
    if (start < 0 && length > 0) return -Errno.EFAULT;
    places.push({ address: start, length });
    total += length;
  }
  return { places, total };
}

const local = Buffer.from(new ArrayBuffer(VECTOR_SIZE));
const remote = Buffer.from(new ArrayBuffer(MOST_VECTORS * VECTOR_SIZE));
const localAddress = Number(addressOf(local));
const remoteAddress = Number(addressOf(remote));

function putPlace(into: Buffer, index: number, address: number, length: number): void {
  into.writeUInt32LE(address % HALF, VECTOR_SIZE * index);
  into.writeUInt32LE(Math.floor(address / HALF), VECTOR_SIZE * index + 4);
  into.writeUInt32LE(length, VECTOR_SIZE * index + 8);
  into.writeUInt32LE(0, VECTOR_SIZE * index + 12);
}

/**
 * Copies `length` bytes that begin `offset` bytes into a vector. Returns how many could be read, or a negated error
 * number where none could.
 */
export function readScattered(
  tid: number,
  vector: Vector,
  offset: number,
  length: number,
  into: Arena,
): number {
  if (length === 0) return 0;
  let [skip, rest, count] = [offset, length, 0];
  for (const place of vector.places) {
    if (skip >= place.length) {
      skip -= place.length;
      continue;
    }
    const taken = Math.min(place.length - skip, rest);
    if (place.address < 0) return -Errno.EFAULT;
    putPlace(remote, count, place.address + skip, taken);
    count += 1;
    rest -= taken;
    skip = 0;
    if (rest === 0) break;
  }
  putPlace(local, 0, into.address, length);
  const result = processVmReadv(tid, localAddress, 1, remoteAddress, count, 0);
  return result === -Errno.EPERM ? readLooking(tid, count) : result;
}

/** From a thread of another user's. */
function readLooking(tid: number, count: number): number {
  return looking(() => processVmReadv(tid, localAddress, 1, remoteAddress, count, 0));
}

const word = Buffer.from(new ArrayBuffer(8));
const wordAddress = Number(addressOf(word));

/** Writes an unsigned int to a target. 0, or a negated error number. */
export function writeUnsigned(tid: number, address: number, value: number): number {
  word.writeUInt32LE(value);
  putPlace(local, 0, wordAddress, 4);
  putPlace(remote, 0, address, 4);
  const count = looking(() => processVmWritev(tid, local, 1, remote, 1, 0));
  if (count < 0) return count;
  return count === 4 ? 0 : -Errno.EFAULT;
}

/** Copies bytes of ours, from the beginning of an arena, to one place of a target. 0, or a negated error number. */
export function writeMemory(tid: number, address: number, from: Arena, length: number): number {
  if (length === 0) return 0;
  return writeScattered(tid, vectorOf(address, length), from, length);
}

/** The same to the places of a vector, one after the other. 0, or a negated error number: EFAULT where not all could be written. */
export function writeScattered(tid: number, vector: Vector, from: Arena, length: number): number {
  if (length === 0) return 0;
  let [rest, count] = [length, 0];
  for (const place of vector.places) {
    const taken = Math.min(place.length, rest);
    if (taken === 0) continue;
    if (place.address < 0) return -Errno.EFAULT;
    putPlace(remote, count, place.address, taken);
    count += 1;
    rest -= taken;
    if (rest === 0) break;
  }
  putPlace(local, 0, from.address, length);
  const written = looking(() => processVmWritev(tid, local, 1, remote, count, 0));
  if (written < 0) return written;
  return written === length ? 0 : -Errno.EFAULT;
}
