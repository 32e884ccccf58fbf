/** This process as another program: execve(2), and what has to be put right in it before. */
import koffi from 'koffi';
import { addressOf, fcntl, syscall, type Memory } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const libc = koffi.load(null);
const foreign: (path: Memory, argv: Memory, environment: bigint) => number = libc.func('execve', 'int', [
  'void *',
  'void *',
  'intptr_t',
]);

const F_SETFD = 2;
const CLOSE_RANGE_CLOEXEC = 1 << 2;

/** execve(2) with the environment of this process, bytes and all. Returns only to say why not: a negated error number. */
export function execute(path: Uint8Array, argv: readonly Uint8Array[]): number {
  const strings = [path, ...argv].map((word) => Buffer.concat([word, Buffer.alloc(1)]));
  const pointers = Buffer.alloc(8 * strings.length);
  // The last one stays null.
  for (const [index, word] of strings.slice(1).entries()) {
    pointers.writeBigUInt64LE(addressOf(word), 8 * index);
  }
  const environment: number | bigint = koffi.decode(libc.symbol('environ'), 'uintptr_t');
  foreign(strings[0] ?? null, pointers, BigInt(environment));
  const result = -koffi.errno();
  strings.length = 0; // kept alive until here: the array holds their addresses
  return result;
}

/** Leaves open across execve(2) the three standard descriptors, as far as they are open, and closes all others. */
export function keepStandardDescriptors(): number {
  for (const descriptor of [0, 1, 2]) fcntl(descriptor, F_SETFD, 0);
  return syscall(X86_64.close_range, 3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC, 0, 0, 0);
}
