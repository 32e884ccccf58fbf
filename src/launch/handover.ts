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

/** Milliseconds that a watchdog is waited for at a time, and how often: it may have been stopped by somebody outside. */
const ANSWER_WAIT = 100;
const MOST_WAITS = 5;
const POLLIN = 1;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** The two conversations, and what the steps are called whose failure a record names. */
export type Conversation = Pick<Launched, 'reportSocket' | 'controlSocket' | 'steps'>;

/** The way to a handover, a record a step, for who does not wait. */
export class HandoverSteps {
  readonly #conversation: Conversation;
  readonly #control: number;
  readonly #pidDescriptor: number;
  #awaited: 'watchdog' | 'number' | 'listener' = 'watchdog';
  #watchdog: Watchdog | undefined;

  /** Throws a RangeError for a plan without a listener. */
  constructor(conversation: Conversation, pidDescriptor: number) {
    if (conversation.controlSocket === undefined) throw new RangeError('the plan has no listener');
    this.#conversation = conversation;
    this.#control = conversation.controlSocket;
    this.#pidDescriptor = pidDescriptor;
  }

  get watchdog(): Watchdog | undefined {
    return this.#watchdog;
  }

  /** By which socket the next record comes. */
  get socket(): number {
    return this.#awaited === 'listener' ? this.#control : this.#conversation.reportSocket;
  }

  /** The process that it comes from. */
  get sender(): number {
    return this.#awaited === 'listener' && this.#watchdog !== undefined
      ? this.#watchdog.pidDescriptor
      : this.#pidDescriptor;
  }

  /**
   * Takes what has come, without waiting. Throws a LaunchError that names the step that failed.
   * @param isReadable the socket was seen to be readable
   * @param hasEnded the sender was seen to have ended, whose end its socket does not show: the other process has it open too
   */
  advance(isReadable: boolean, hasEnded: boolean): Handover | undefined {
    for (let [readable, ended] = [isReadable, hasEnded]; ; [readable, ended] = [false, false]) {
      const received = receive(this.socket);
      if (typeof received === 'number') {
        if (received !== -Errno.EAGAIN || ended)
          throw new LaunchError(this.#awaited === 'listener' ? 'watchdog' : 'launcher', 0);
        // Readable, and yet nothing to be had: an outer sandbox has its hand in recvmsg(2).
        if (readable) throw new LaunchError('recvmsg', Errno.EAGAIN);
        return undefined;
      }
      const handover = this.#take(received);
      if (handover !== undefined) return handover;
    }
  }

  #take(received: Received): Handover | undefined {
    const kind = this.#awaited === 'watchdog' ? Kind.watchdog : Kind.listener;
    if (received.kind !== kind) throw failure(this.#conversation, received);
    if (this.#awaited === 'watchdog') {
      const pidDescriptor = pidfdOpen(received.value);
      if (pidDescriptor < 0) throw new LaunchError('pidfd_open', -pidDescriptor);
      this.#watchdog = { pid: received.value, pidDescriptor };
      this.#awaited = 'number';
    } else if (this.#awaited === 'number') {
      const number = Buffer.alloc(4);
      number.writeInt32LE(received.value);
      // When this fails the watchdog has ended, and has said why.
      write(this.#control, number, number.length);
      this.#awaited = 'listener';
    } else {
      if (received.descriptor === undefined) throw new LaunchError('recvmsg', Errno.EMFILE);
      if (this.#watchdog === undefined) throw new RangeError('the watchdog comes first');
      return { listener: received.descriptor, watchdog: this.#watchdog };
    }
    return undefined;
  }
}

/**
 * Waits until the plan is in force and the listener has arrived. The launcher then waits for `go`.
 * Throws a LaunchError that names the step that failed, after `abandon`.
 */
export function receiveHandover(launched: Launched): Handover {
  const steps = new HandoverSteps(launched, launched.pidDescriptor);
  try {
    let handover = steps.advance(false, false);
    while (handover === undefined) {
      const { isReadable, ended } = waitReadable(steps.socket, steps.sender);
      handover = steps.advance(isReadable, ended);
    }
    return handover;
  } catch (error) {
    abandon(launched, steps.watchdog);
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
export function launchOutcome(launched: Conversation): 'pending' | 'executed' | LaunchError {
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

/** Who is in a sandbox, asked of its watchdog (which answers where its rows say so). */
export class Reach {
  readonly #controlSocket: number;
  /** An answer is still to come. */
  #isOwing = false;
  #isOver = false;

  /** @param controlSocket the watchdog's */
  constructor(controlSocket: number) {
    this.#controlSocket = controlSocket;
  }

  /** To be called before the socket is closed, whose number may be another's then: nobody is inside any more. */
  end(): void {
    this.#isOver = true;
  }

  /** False where nothing is said in time. The number may be another's by then. */
  has(pid: number): boolean {
    if (this.#isOver) return false;
    // An answer that comes too late was said of somebody else. Who owes one, as whoever was stopped by somebody outside, is not
    // waited for once more: all sandboxes would wait too.
    if (this.#isOwing && typeof receive(this.#controlSocket) === 'number') return false;
    this.#isOwing = false;
    const question = Buffer.alloc(4);
    question.writeInt32LE(pid);
    if (write(this.#controlSocket, question, question.length) < 0) return false;
    this.#isOwing = true;
    for (let wait = 0; wait < MOST_WAITS; wait += 1) {
      const received = receive(this.#controlSocket);
      if (typeof received !== 'number') {
        this.#isOwing = false;
        return received.kind === Kind.reach && received.value === 0;
      }
      if (received !== -Errno.EAGAIN) return false;
      waitReadable(this.#controlSocket, -1, ANSWER_WAIT);
    }
    return false;
  }
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

/** Waits until a socket is readable, or the process behind the other descriptor has ended. */
function waitReadable(first: number, second: number, timeout = -1): { isReadable: boolean; ended: boolean } {
  const set = Buffer.alloc(16);
  for (const [index, descriptor] of [first, second].entries()) {
    set.writeInt32LE(descriptor, 8 * index);
    set.writeInt16LE(POLLIN, 8 * index + 4);
  }
  const result = poll(set, 2, timeout);
  if (result === -Errno.EINTR) return { isReadable: false, ended: false };
  if (result < 0) throw new LaunchError('poll', -result);
  return { isReadable: set.readInt16LE(6) !== 0, ended: set.readInt16LE(14) !== 0 };
}

function failure(launched: Conversation, { kind, value }: Received): LaunchError {
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
