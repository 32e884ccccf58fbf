/**
 * Processes that Node does not know of: posix_spawn(3), waitid(2) and descriptors of processes (pidfd_open(2)).
 *
 * Node's own child_process waits for its children, makes their pipes non-blocking and swallows ptrace stops; a process that is
 * started here is the caller's alone, to be reaped with `waitProcess`.
 */
import koffi from 'koffi';
import { Errno } from './errno.ts';
import { addressOf, kill, poll, syscall, syscallMemory3 } from './libc.ts';
import type { Memory } from './libc.ts';
import { X86_64 } from './syscalls.ts';

const libc = koffi.load(null);

/** These return 0 or a positive error number, and leave errno alone. */
function declare<Parameters extends (number | Memory | bigint)[]>(
  name: string,
  ...parameters: string[]
): (...args: Parameters) => number {
  let foreign: ((...args: Parameters) => number) | undefined;
  const declared = (): ((...args: Parameters) => number) => libc.func(name, 'int', parameters);
  return (...args) => (foreign ??= declared())(...args);
}

const attributesInit = declare<[Memory]>('posix_spawnattr_init', 'void *');
const attributesDestroy = declare<[Memory]>('posix_spawnattr_destroy', 'void *');
const attributesSetFlags = declare<[Memory, number]>('posix_spawnattr_setflags', 'void *', 'short');
const attributesSetDefault = declare<[Memory, Memory]>('posix_spawnattr_setsigdefault', 'void *', 'void *');
const actionsInit = declare<[Memory]>('posix_spawn_file_actions_init', 'void *');
const actionsDestroy = declare<[Memory]>('posix_spawn_file_actions_destroy', 'void *');
const actionsAddDup2 = declare<[Memory, number, number]>(
  'posix_spawn_file_actions_adddup2',
  'void *',
  'int',
  'int',
);
const spawn = declare<[Memory, Memory, Memory, Memory, Memory, bigint]>(
  'posix_spawn',
  'void *',
  'void *',
  'void *',
  'void *',
  'void *',
  'intptr_t',
);

/** More than posix_spawnattr_t (336 bytes) and posix_spawn_file_actions_t (80) take in glibc and musl. */
const OPAQUE_SIZE = 512;
const SIGSET_SIZE = 128;
const POSIX_SPAWN_SETSIGDEF = 0x04;
/** What glibc and musl use among threads, and would leave ignored in the new process. */
const LIBRARY_SIGNALS = [32, 33, 34];

export interface SpawnOptions {
  readonly path: string;
  readonly argv: readonly string[];
  /** Target descriptor → source descriptor; a source is above every target. All else that is close-on-exec is closed. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** The signals that have their default action in the new process; ignored ones stay so otherwise. */
  readonly defaultSignals: Iterable<number>;
}

/**
 * posix_spawn(3) with the environment of this process, bytes and all. Returns the process number, or a negated error
 * number, also when execve(2) failed in the new process.
 */
export function posixSpawn(options: SpawnOptions): number {
  const attributes = Buffer.alloc(OPAQUE_SIZE);
  const actions = Buffer.alloc(OPAQUE_SIZE);
  const signals = Buffer.alloc(SIGSET_SIZE);
  for (const signal of [...options.defaultSignals, ...LIBRARY_SIGNALS]) {
    const index = (signal - 1) >> 3;
    signals.writeUInt8(signals.readUInt8(index) | (1 << ((signal - 1) & 7)), index);
  }
  const path = Buffer.from(`${options.path}\0`);
  const strings = options.argv.map((word) => Buffer.from(`${word}\0`));
  const argv = Buffer.alloc(8 * (strings.length + 1));
  for (const [index, word] of strings.entries()) argv.writeBigUInt64LE(addressOf(word), 8 * index);
  const pid = Buffer.alloc(4);

  attributesInit(attributes);
  actionsInit(actions);
  try {
    attributesSetDefault(attributes, signals);
    attributesSetFlags(attributes, POSIX_SPAWN_SETSIGDEF);
    for (const [target, source] of options.descriptors) {
      const error = actionsAddDup2(actions, source, target);
      if (error !== 0) return -error;
    }
    const error = spawn(pid, path, actions, attributes, argv, environment());
    return error === 0 ? pid.readInt32LE(0) : -error;
  } finally {
    actionsDestroy(actions);
    attributesDestroy(attributes);
    strings.length = 0; // kept alive until here: argv holds their addresses
  }
}

/** What `environ` holds now (environ(7)); Node's process.env keeps it current. */
function environment(): bigint {
  const address: number | bigint = koffi.decode(libc.symbol('environ'), 'uintptr_t');
  return BigInt(address);
}

/** pidfd_open(2): a descriptor (close-on-exec) that is readable once the process has ended, or a negated error number. */
export function pidfdOpen(pid: number): number {
  return syscall(X86_64.pidfd_open, pid, 0, 0, 0, 0, 0);
}

/** pidfd_send_signal(2): 0, or a negated error number. */
export function pidfdSendSignal(pidfd: number, signal: number): number {
  return syscall(X86_64.pidfd_send_signal, pidfd, signal, 0, 0, 0, 0);
}

const SIGKILL = 9;

/**
 * Kills a child that was not reaped yet; false where it cannot be. By its descriptor, or where an outer sandbox forbids
 * that by its number, which is then nobody else's. Never by one that means more than one process (kill(2)).
 */
export function killChild(pid: number, pidfd: number): boolean {
  if (pidfd < 0 || pid <= 1) return false;
  const result = pidfdSendSignal(pidfd, SIGKILL);
  // Who is reaped has given the number back.
  return result === 0 || result === -Errno.ESRCH || kill(pid, SIGKILL) === 0;
}

const POLLIN = 1;

/** Whether a process has ended, whoever has reaped it. */
export function hasEnded(pidfd: number): boolean {
  const entry = Buffer.alloc(8); // struct pollfd
  entry.writeInt32LE(pidfd, 0);
  entry.writeInt16LE(POLLIN, 4);
  return poll(entry, 1, 0) > 0;
}

/** How a process ended. */
export type ProcessEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: number };

const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const CLD_EXITED = 1;
const SIGINFO_SIZE = 128;

/**
 * waitid(2) for the end of a child, which is reaped. Blocks, unless `now`: then undefined means that it runs.
 * A negated error number when it is not ours to wait for (ECHILD).
 */
export function waitProcess(pidfd: number, now = false): ProcessEnd | number | undefined {
  const information = Buffer.alloc(SIGINFO_SIZE);
  let result: number;
  do {
    result = syscallMemory3(X86_64.waitid, P_PIDFD, pidfd, information, WEXITED | (now ? WNOHANG : 0), 0);
  } while (result === -Errno.EINTR);
  if (result < 0) return result;
  if (information.readInt32LE(16) === 0) return undefined; // si_pid
  const status = information.readInt32LE(24); // si_status
  return information.readInt32LE(8) === CLD_EXITED // si_code
    ? { kind: 'exit', code: status }
    : { kind: 'signal', signal: status };
}
