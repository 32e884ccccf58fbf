/** The supervisor's half of the conversation with launcher and watchdog (protocol.ts). */
import { Errno } from '../linux/errno.ts';
import { addressOf, close, poll, recvmsg, write } from '../linux/libc.ts';
import { killChild, pidfdOpen, waitProcess } from '../linux/spawn.ts';
import { LaunchError } from './launch-error.ts';
import type { Launched } from './launch.ts';
import { Kind, RECORD_SIZE } from './protocol.ts';

/** The process that ends the sandbox when this one is killed; a child of this process. */
export interface Watchdog {
  readonly pid: number;
  /** Readable once it has ended. */
  readonly pidDescriptor: number;
}

export interface Handover {
  /** The listener of the filter (close-on-exec), the caller's to close. */
  readonly listener: number;
  readonly watchdog: Watchdog;
}

const POLLIN = 1;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/**
 * Waits until the plan is in force and the listener has arrived. The launcher then waits for `go`.
 * Throws a LaunchError that names the step that failed, after `abandon`.
 */
export function receiveHandover(launched: Launched): Handover {
  let watchdog: Watchdog | undefined;
  try {
    const { reportSocket, controlSocket, pidDescriptor } = launched;
    if (controlSocket === undefined) throw new RangeError('the plan has no listener');
    const pid = receiveRecord(launched, reportSocket, pidDescriptor, Kind.watchdog).value;
    watchdog = { pid, pidDescriptor: pidfdOpen(pid) };
    if (watchdog.pidDescriptor < 0) throw new LaunchError('pidfd_open', -watchdog.pidDescriptor);
    const number = Buffer.alloc(4);
    number.writeInt32LE(receiveRecord(launched, reportSocket, pidDescriptor, Kind.listener).value);
    // When this fails the watchdog has ended, and has said why.
    write(controlSocket, number, number.length);
    const { descriptor } = receiveRecord(launched, controlSocket, watchdog.pidDescriptor, Kind.listener);
    if (descriptor === undefined) throw new LaunchError('recvmsg', Errno.EMFILE);
    return { listener: descriptor, watchdog };
  } catch (error) {
    abandon(launched, watchdog);
    throw error;
  }
}

/** Lets the launcher execute the command. When it has ended already, `launchOutcome` says why. */
export function go(launched: Launched): void {
  write(launched.reportSocket, Buffer.from('g'), 1);
}

/**
 * What came of the launch after `go`, without waiting: a LaunchError names the step that failed, for a command that cannot
 * be executed `execve`. 'executed' is also what is left of a launcher that was killed: its end says so.
 */
export function launchOutcome(launched: Launched): 'pending' | 'executed' | LaunchError {
  const received = receive(launched.reportSocket);
  if (received === -Errno.EAGAIN) return 'pending';
  return typeof received === 'number' ? 'executed' : failure(launched, received);
}

/**
 * Ends the watchdog, and with `sandbox: 'end'` first what still runs in the sandbox, if its ruleset scopes signals.
 * Closes its descriptors and the control socket.
 */
export function endWatchdog(launched: Launched, watchdog: Watchdog, sandbox: 'end' | 'leave'): void {
  if (launched.controlSocket !== undefined) {
    if (sandbox === 'leave') write(launched.controlSocket, Buffer.from('x'), 1);
    close(launched.controlSocket);
  }
  waitProcess(watchdog.pidDescriptor);
  close(watchdog.pidDescriptor);
}

/** Kills and reaps what was launched, and closes its descriptors. */
export function abandon(launched: Launched, watchdog?: Watchdog): void {
  end(launched);
  if (watchdog !== undefined) end(watchdog);
  close(launched.reportSocket);
  if (launched.controlSocket !== undefined) close(launched.controlSocket);
}

function end({ pid, pidDescriptor }: Watchdog): void {
  if (pidDescriptor < 0) return;
  if (killChild(pid, pidDescriptor)) waitProcess(pidDescriptor);
  close(pidDescriptor);
}

interface Received {
  readonly kind: number;
  readonly value: number;
  readonly descriptor: number | undefined;
}

/** Waits for a record of one kind. Its sender's end shows by the pidfd only: the other process has its socket open too. */
function receiveRecord(launched: Launched, socket: number, pidDescriptor: number, kind: number): Received {
  let [isReadable, ended] = [false, false];
  for (;;) {
    const received = receive(socket);
    if (typeof received !== 'number') {
      if (received.kind !== kind) throw failure(launched, received);
      return received;
    }
    if (received !== -Errno.EAGAIN || ended) {
      throw new LaunchError(socket === launched.reportSocket ? 'launcher' : 'watchdog', 0);
    }
    // Readable, and yet nothing to be had: an outer sandbox has its hand in recvmsg(2).
    if (isReadable) throw new LaunchError('recvmsg', Errno.EAGAIN);
    ({ isReadable, ended } = waitReadable(socket, pidDescriptor));
  }
}

/** Waits until a socket is readable, or the process behind the other descriptor has ended. */
function waitReadable(first: number, second: number): { isReadable: boolean; ended: boolean } {
  const set = Buffer.alloc(16);
  for (const [index, descriptor] of [first, second].entries()) {
    set.writeInt32LE(descriptor, 8 * index);
    set.writeInt16LE(POLLIN, 8 * index + 4);
  }
  const result = poll(set, 2, -1);
  if (result === -Errno.EINTR) return { isReadable: false, ended: false };
  if (result < 0) throw new LaunchError('poll', -result);
  return { isReadable: set.readInt16LE(6) !== 0, ended: set.readInt16LE(14) !== 0 };
}

function failure(launched: Launched, { kind, value }: Received): LaunchError {
  return new LaunchError(launched.steps[kind] ?? 'record', kind in launched.steps ? -value : Errno.EPROTO);
}

const CMSG_HEADER_SIZE = 16;
const ECONNRESET = 104;

/** One record, without waiting; -EAGAIN when there is none, 0 or another negated error number when there will be none. */
function receive(socket: number): Received | number {
  const record = Buffer.alloc(RECORD_SIZE);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(record), 0);
  vector.writeBigUInt64LE(BigInt(record.length), 8);
  const control = Buffer.alloc(CMSG_HEADER_SIZE + 8);
  const header = Buffer.alloc(56); // struct msghdr
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  let result = recvmsg(socket, header, MSG_CMSG_CLOEXEC);
  // Said once when the other end was closed with our word unread; what came before its end is still to be had.
  if (result === -ECONNRESET) result = recvmsg(socket, header, MSG_CMSG_CLOEXEC);
  if (result <= 0) return result;
  const hasDescriptor = control.readBigUInt64LE(0) >= BigInt(CMSG_HEADER_SIZE + 4);
  return {
    kind: record.readUInt32LE(0),
    value: record.readInt32LE(4),
    descriptor: hasDescriptor ? control.readInt32LE(CMSG_HEADER_SIZE) : undefined,
  };
}
