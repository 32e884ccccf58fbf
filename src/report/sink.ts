/**
 * Where lines go: a file, a pipe, the terminal. Writing never throws and never waits long, so that a full disk, a reader
 * that went away or one that is asleep neither stops nor weakens the sandbox. What could not be written is counted.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Errno, errnoMessage } from '../linux/errno.ts';
import { accessMode } from '../linux/handed-descriptors.ts';
import { poll } from '../linux/libc.ts';
import type { PathBytes } from '../policy/policy.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';

export type SinkTarget =
  | { readonly kind: 'file'; readonly path: PathBytes }
  /** A descriptor that this process was started with. */
  | { readonly kind: 'descriptor'; readonly fd: number };

/** Node adds O_CLOEXEC. O_NONBLOCK is for pipes and terminals. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;
const LOG_MODE = 0o600;
const STANDARD_ERROR = 2;
/** How long a slow reader is waited for, once; after that lines are lost until it reads again. */
const PATIENCE_MS = 50;

export class Sink {
  readonly #fd: number;
  readonly #isOwned: boolean;
  /** The rest of a line of which a part was written: it goes first, so that lines stay whole. */
  #rest: Uint8Array = Buffer.alloc(0);
  #isStalled = false;
  #lost = 0;
  #failure: number | undefined;
  #patience = PATIENCE_MS;
  #beforeLongWait: (() => void) | undefined;

  constructor(fd: number, isOwned = false) {
    this.#fd = fd;
    this.#isOwned = isOwned;
  }

  /** How many lines could not be written. */
  get lost(): number {
    return this.#lost;
  }

  /** Why, in words; undefined while nothing was lost. */
  get failure(): string | undefined {
    return this.#failure === undefined ? undefined : errnoMessage(this.#failure);
  }

  /** Writes one line, to which the line break is added. */
  write(line: string): void {
    if (this.#rest.length > 0) this.#rest = this.#push(this.#rest);
    if (this.#rest.length > 0) {
      this.#lost += 1;
      return;
    }
    const bytes = Buffer.from(`${line}\n`);
    const rest = this.#push(bytes);
    if (rest.length < bytes.length) this.#rest = rest;
    else this.#lost += 1;
  }

  /**
   * From now on nobody else has to wait.
   * @param patience milliseconds that a slow reader is waited for, once
   * @param before called once, before the first long wait
   */
  takeTime(patience: number, before: () => void): void {
    this.#patience = patience;
    this.#isStalled = false;
    this.#beforeLongWait = before;
  }

  close(): void {
    if (this.#rest.length > 0 && this.#push(this.#rest).length > 0) this.#lost += 1;
    this.#rest = Buffer.alloc(0);
    if (this.#isOwned) closeSync(this.#fd);
  }

  /** Writes what can be written now, and returns the rest. */
  #push(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    const start = Date.now();
    const deadline = start + (this.#isStalled ? 0 : this.#patience);
    while (rest.length > 0) {
      const result = tryWrite(this.#fd, rest);
      if (result >= 0) {
        rest = rest.subarray(result);
        this.#isStalled = false;
      } else if (result === -Errno.EAGAIN && Date.now() < deadline) {
        if (Date.now() - start > PATIENCE_MS) this.#announceWait();
        sleepOneMillisecond();
      } else if (result !== -Errno.EINTR) {
        this.#isStalled = result === -Errno.EAGAIN;
        this.#failure = -result;
        break;
      }
    }
    return rest;
  }

  #announceWait(): void {
    this.#beforeLongWait?.();
    this.#beforeLongWait = undefined;
  }
}

/** Where a person reads: standard error, which a command shares, and may keep from being read (termios(3), tcflow). */
export function openScreen(): Sink {
  try {
    return openDescriptor(STANDARD_ERROR);
  } catch {
    return new Sink(STANDARD_ERROR);
  }
}

/** Opens a file to append to, or a descriptor anew. Throws a ValueError where that cannot be. */
export function openSink(target: SinkTarget): Sink {
  return target.kind === 'file' ? openFile(target.path) : openDescriptor(target.fd);
}

function openFile(path: PathBytes): Sink {
  try {
    return new Sink(openSync(path, FLAGS | constants.O_CREAT, LOG_MODE), true);
  } catch (error) {
    throw new ValueError('cannot be opened for writing', { hint: openFailure(errnoOf(error)) });
  }
}

/** Opened anew, so that O_NONBLOCK is ours alone: others share the descriptor that we were given. */
function openDescriptor(fd: number): Sink {
  const mode = accessMode(fd);
  if (mode < 0) throw new ValueError('is no open descriptor', { hint: `did you forget ${fd}>FILE?` });
  if (mode !== constants.O_WRONLY && mode !== constants.O_RDWR)
    throw new ValueError('is not open for writing', { hint: `write ${fd}>FILE, or ${fd}>>FILE` });
  // A file opened anew would have an offset of its own, and lines would be written over each other.
  if (fstatSync(fd).isFile()) return new Sink(fd);
  try {
    return new Sink(openSync(`/proc/self/fd/${fd}`, FLAGS), true);
  } catch {
    return new Sink(fd);
  }
}

function openFailure(errno: number): string {
  return errno === Errno.ENXIO ? 'nobody reads from this pipe' : errnoMessage(errno);
}

const POLLOUT = 4;
/** struct pollfd. */
const waiting = Buffer.alloc(8);

/** The number of bytes written, or the negated error number. A socket, or what may not be opened anew, has no O_NONBLOCK. */
function tryWrite(fd: number, bytes: Uint8Array): number {
  waiting.writeInt32LE(fd, 0);
  waiting.writeInt16LE(POLLOUT, 4);
  if (poll(waiting, 1, 0) === 0) return -Errno.EAGAIN;
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return -errnoOf(error);
  }
}

function sleepOneMillisecond(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}
