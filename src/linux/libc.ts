/**
 * libc through koffi: the only file that knows the FFI.
 *
 * Results follow one rule: a call returns its result, or the negated error number. So `if (result < 0)` is the whole
 * error check, nothing is allocated, and no call can come between a failure and the reading of `errno`.
 * Buffers are passed as addresses for the time of the call; the caller keeps them alive.
 */
import koffi from 'koffi';

const libc = koffi.load(null);

type Scalar = number | bigint;
export type Memory = Uint8Array | null;
type Argument = Scalar | Memory | string;

type Foreign = (...args: Argument[]) => Scalar;

/** Declares a libc function whose failure is -1 with `errno` set. */
function declare<Parameters extends Argument[]>(
  name: string,
  ...parameters: string[]
): (...args: Parameters) => number {
  return fixedArity(parameters.length, () => libc.func(name, 'long', parameters));
}

/** Same, for functions whose declared result is an int: the upper half of the register is not theirs. */
function declareInt<Parameters extends Argument[]>(
  name: string,
  ...parameters: string[]
): (...args: Parameters) => number {
  return fixedArity(parameters.length, () => libc.func(name, 'int', parameters));
}

/**
 * A function of so many arguments that is looked up when it is called first: most are never called, and a look-up takes
 * longer than many a call. The arguments are spelt out, since a rest parameter makes an array for every call.
 */
function fixedArity(arity: number, declaration: () => Foreign): (...args: Argument[]) => number {
  let foreign: Foreign | undefined;
  const call = (): Foreign => (foreign ??= declaration());
  switch (arity) {
    case 0:
      return () => checked(call()());
    case 1:
      return (a: Argument) => checked(call()(a));
    case 2:
      return (a: Argument, b: Argument) => checked(call()(a, b));
    case 3:
      return (a: Argument, b: Argument, c: Argument) => checked(call()(a, b, c));
    case 4:
      return (a: Argument, b: Argument, c: Argument, d: Argument) => checked(call()(a, b, c, d));
    case 5:
      return (a: Argument, b: Argument, c: Argument, d: Argument, e: Argument) =>
        checked(call()(a, b, c, d, e));
    case 6:
      return (a: Argument, b: Argument, c: Argument, d: Argument, e: Argument, f: Argument) =>
        checked(call()(a, b, c, d, e, f));
    case 7:
      return (a: Argument, b: Argument, c: Argument, d: Argument, e: Argument, f: Argument, g: Argument) =>
        checked(call()(a, b, c, d, e, f, g));
    default:
      throw new RangeError(`no form for ${arity} arguments`);
  }
}

function checked(result: Scalar): number {
  return result === -1 ? -koffi.errno() : Number(result);
}

/** syscall(2) with up to six integer arguments. */
export const syscall = declare<[number, Scalar, Scalar, Scalar, Scalar, Scalar, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'intptr_t',
  'intptr_t',
  'intptr_t',
  'intptr_t',
  'intptr_t',
);
/** syscall(2): memory in the first place. */
export const syscallMemory1 = declare<[number, Memory, Scalar, Scalar, Scalar]>(
  'syscall',
  'long',
  'void *',
  'intptr_t',
  'intptr_t',
  'intptr_t',
);
/** syscall(2): memory in the second place. */
export const syscallMemory2 = declare<[number, Scalar, Memory, Scalar, Scalar, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'void *',
  'intptr_t',
  'intptr_t',
  'intptr_t',
);
/** syscall(2): memory in the third place. */
export const syscallMemory3 = declare<[number, Scalar, Scalar, Memory, Scalar, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'intptr_t',
  'void *',
  'intptr_t',
  'intptr_t',
);
/** syscall(2): memory in the fourth place. */
export const syscallMemory4 = declare<[number, Scalar, Scalar, Scalar, Memory, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'intptr_t',
  'intptr_t',
  'void *',
  'intptr_t',
);
/** syscall(2): a path of our own making in the second place, memory in the third. */
export const fstatatText = declare<[number, number, string, Memory, number]>(
  'syscall',
  'long',
  'int',
  'const char *',
  'void *',
  'int',
);
/** syscall(2): memory in the second and third place. */
export const syscallMemory23 = declare<[number, Scalar, Memory, Memory, Scalar, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'void *',
  'void *',
  'intptr_t',
  'intptr_t',
);
/** syscall(2): memory in the second and fourth place. */
export const syscallMemory24 = declare<[number, Scalar, Memory, Scalar, Memory, Scalar]>(
  'syscall',
  'long',
  'intptr_t',
  'void *',
  'intptr_t',
  'void *',
  'intptr_t',
);
/** syscall(2): memory in the first two places. */
export const syscallMemory12 = declare<[number, Memory, Memory, Scalar, Scalar, Scalar]>(
  'syscall',
  'long',
  'void *',
  'void *',
  'intptr_t',
  'intptr_t',
  'intptr_t',
);

export const ioctl = declareInt<[number, number, Memory]>('ioctl', 'int', 'ulong', 'void *');
export const ioctlInteger = declareInt<[number, number, Scalar]>('ioctl', 'int', 'ulong', 'uintptr_t');
export const poll = declareInt<[Memory, number, number]>('poll', 'void *', 'ulong', 'int');
export const close = declareInt<[number]>('close', 'int');
export const processVmReadv = declare<[number, number, number, number, number, number]>(
  'process_vm_readv',
  'int',
  'intptr_t',
  'ulong',
  'intptr_t',
  'ulong',
  'ulong',
);
export const processVmWritev = declare<[number, Memory, number, Memory, number, number]>(
  'process_vm_writev',
  'int',
  'void *',
  'ulong',
  'void *',
  'ulong',
  'ulong',
);
/** The path is UTF-8 text here: use it for names of our own making (`/proc/…`) only. */
export const openText = declareInt<[number, string, number, number]>(
  'openat',
  'int',
  'const char *',
  'int',
  'uint',
);
const EIO = 5;

/** Same on a pool thread, for opens that may block; `done` gets the result on the main thread. */
export function openTextAsync(
  directory: number,
  path: string,
  flags: number,
  mode: number,
  done: (result: number) => void,
): void {
  const foreign = libc.func('openat', 'int', ['int', 'const char *', 'int', 'uint']);
  foreign.async(directory, path, flags, mode, (error: unknown, result: number) => {
    // errno is the pool thread's only until anything else runs.
    const errno = koffi.errno();
    // Whatever it is, it must not look like a descriptor.
    done(error === null && result >= 0 ? result : errno > 0 ? -errno : -EIO);
  });
}

/** Makes the pool's threads, which are all made with its first work. */
export function startPool(): void {
  libc.func('getpid', 'int', []).async(() => {});
}

/** The path is bytes that end in NUL. */
export const openat = declareInt<[number, Memory, number, number]>('openat', 'int', 'void *', 'int', 'uint');
export const chmodText = declareInt<[string, number]>('chmod', 'const char *', 'uint');
export const truncateText = declareInt<[string, Scalar]>('truncate', 'const char *', 'int64');
export const fchownat = declareInt<[number, Memory, number, number, number]>(
  'fchownat',
  'int',
  'void *',
  'uint',
  'uint',
  'int',
);
export const utimensat = declareInt<[number, Memory, Memory, number]>(
  'utimensat',
  'int',
  'void *',
  'void *',
  'int',
);
export const setxattrText = declareInt<[string, Memory, Memory, number, number]>(
  'setxattr',
  'const char *',
  'void *',
  'void *',
  'size_t',
  'int',
);
export const removexattrText = declareInt<[string, Memory]>('removexattr', 'const char *', 'void *');
export const mkdirat = declareInt<[number, Memory, number]>('mkdirat', 'int', 'void *', 'uint');
export const mknodat = declareInt<[number, Memory, number, number]>(
  'mknodat',
  'int',
  'void *',
  'uint',
  'ulong',
);
export const symlinkat = declareInt<[Memory, number, Memory]>('symlinkat', 'void *', 'int', 'void *');
export const unlinkat = declareInt<[number, Memory, number]>('unlinkat', 'int', 'void *', 'int');
export const renameat2 = declareInt<[number, Memory, number, Memory, number]>(
  'renameat2',
  'int',
  'void *',
  'int',
  'void *',
  'uint',
);
export const linkat = declareInt<[number, Memory, number, Memory, number]>(
  'linkat',
  'int',
  'void *',
  'int',
  'void *',
  'int',
);
export const readlinkat = declare<[number, Memory, Memory, number]>(
  'readlinkat',
  'int',
  'void *',
  'void *',
  'size_t',
);
export const readlinkText = declare<[string, Memory, number]>('readlink', 'const char *', 'void *', 'size_t');
export const read = declare<[number, Memory, number]>('read', 'int', 'void *', 'size_t');
export const pread = declare<[number, Memory, number, number]>('pread', 'int', 'void *', 'size_t', 'long');
export const write = declare<[number, Memory, number]>('write', 'int', 'void *', 'size_t');
export const fcntl = declareInt<[number, number, Scalar]>('fcntl', 'int', 'int', 'intptr_t');
export const prctl = declareInt<[number, Scalar, Scalar, Scalar, Scalar]>(
  'prctl',
  'int',
  'ulong',
  'ulong',
  'ulong',
  'ulong',
);
export const kill = declareInt<[number, number]>('kill', 'int', 'int');
export const fchdir = declareInt<[number]>('fchdir', 'int');
export const getpgrp = declareInt<[]>('getpgrp');
export const tcgetpgrp = declareInt<[number]>('tcgetpgrp', 'int');
export const socketpair = declareInt<[number, number, number, Memory]>(
  'socketpair',
  'int',
  'int',
  'int',
  'void *',
);
export const recvmsg = declare<[number, Memory, number]>('recvmsg', 'int', 'void *', 'int');
export const memfdCreate = declareInt<[string, number]>('memfd_create', 'const char *', 'uint');

let umaskForeign: ((mask: number) => number) | undefined;
/** umask(2): sets the mask for new files and returns the one before; never fails. */
export function umask(mask: number): number {
  umaskForeign ??= libc.func('umask', 'uint', ['uint']) as (mask: number) => number;
  return umaskForeign(mask);
}

const SIG_DFL = 0;
const SIG_IGN = 1;

/** Gives a signal its default action back (signal(7)). */
export function defaultSignal(signal: number): void {
  setAction(signal, SIG_DFL);
}

/** Ignores a signal, which Node has no way to say (signal(7)). */
export function ignoreSignal(signal: number): void {
  setAction(signal, SIG_IGN);
}

function setAction(signal: number, action: number): void {
  const signalForeign: (number: number, handler: number) => Scalar = libc.func('signal', 'intptr_t', [
    'int',
    'intptr_t',
  ]);
  signalForeign(signal, action);
}

/** Ends the process at once (_exit(2)): process.exit waits for pool threads, which may be blocked in a call. */
export function exitNow(code: number): never {
  const exitForeign: (status: number) => void = libc.func('_exit', 'void', ['int']);
  exitForeign(code);
  throw new Error('_exit returned');
}

/** The address of a buffer's bytes. It holds as long as the buffer is referenced and not resized. */
export function addressOf(memory: Uint8Array): bigint {
  return koffi.address(memory);
}

/** The file descriptor that Node's event loop waits on, or -1 where this Node does not tell (libuv: uv_backend_fd). */
export function eventLoopDescriptor(): number {
  try {
    const defaultLoop: () => unknown = libc.func('uv_default_loop', 'void *', []);
    const backend: (loop: unknown) => number = libc.func('uv_backend_fd', 'int', ['void *']);
    return backend(defaultLoop());
  } catch {
    return -1;
  }
}
