/**
 * Wakes a tracer that blocks in wait4(2) when Node's event loop has something to do.
 *
 * A tracer can wait for its tracees only there, and libuv's handlers restart the call after a signal, so nothing else would
 * get through. The waker is a child that polls the event loop's own descriptor and stops itself when that is readable: a
 * stopped child is what wait4 reports. The descriptor stays readable until the loop has run, so no event is lost, and while
 * nothing happens nothing is spent.
 */
import { LaunchError } from '../../../launch/launch-error.ts';
import { stringBlob, zeros } from '../../../launch/blobs.ts';
import { buildImage, type Row } from '../../../launch/image.ts';
import { capabilityRows } from '../../../launch/rows.ts';
import { duplicateHigh, startImage } from '../../../launch/start.ts';
import { close, kill } from '../../../linux/libc.ts';
import { X86_64 } from '../../../linux/syscalls.ts';
import { waitTracee } from '../../../linux/wait-tracees.ts';
import type { Members } from '../../target/members.ts';

const EVENTS = 3;
const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;
const POLLIN = 1;
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const SIG_BLOCK = 0;
/** How long an event may wait where the event loop's descriptor is not to be had. */
const WITHOUT_EVENT_LOOP = 50;
/** No process has this number. */
const NOBODY = 0;

export class Waker {
  readonly #eventLoop: number;
  readonly #members: Members;
  #pid = NOBODY;
  #hasCalled = false;

  /**
   * @param eventLoop the descriptor that Node's event loop waits on; -1: wakes every 50 ms
   * @param members the waker is none of them, although it is a child of ours
   * @throws LaunchError
   */
  constructor(eventLoop: number, members: Members) {
    this.#eventLoop = eventLoop;
    this.#members = members;
    this.#start();
  }

  /** 0 while there is none. */
  get pid(): number {
    return this.#pid;
  }

  get isThere(): boolean {
    return this.#pid !== NOBODY;
  }

  /** The event loop is to have its turn, and then `goOn` to be called. */
  get hasCalled(): boolean {
    return this.#hasCalled || !this.isThere;
  }

  /** What wait4(2) has said of it: it has stopped, or it was killed by somebody. */
  changed(stopped: boolean): void {
    this.#hasCalled = true;
    if (stopped) return;
    this.#members.readmit(this.#pid);
    this.#pid = NOBODY;
  }

  /** Watches again. Where it was killed another takes its place, as soon as one can be started. */
  goOn(): void {
    this.#hasCalled = false;
    if (this.isThere) {
      kill(this.#pid, SIGCONT);
      return;
    }
    try {
      this.#start();
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
    }
  }

  end(): void {
    if (!this.isThere) return;
    // Where an outer sandbox forbids even that it ends with us (PR_SET_PDEATHSIG).
    if (kill(this.#pid, SIGKILL) === 0) waitTracee(this.#pid);
  }

  #start(): void {
    this.#pid = startWaker(this.#eventLoop);
    this.#members.exclude(this.#pid);
  }
}

function startWaker(eventLoop: number): number {
  const descriptors = new Map<number, number>();
  if (eventLoop >= 0) {
    const copy = duplicateHigh(eventLoop);
    if (copy < 0) throw new LaunchError('fcntl F_DUPFD', -copy);
    descriptors.set(EVENTS, copy);
  }
  try {
    const image = buildImage(wakerRows(eventLoop >= 0));
    return startImage(image, { descriptors, defaultSignals: [], from: ['memory', 'file'] });
  } finally {
    for (const copy of descriptors.values()) close(copy);
  }
}

function wakerRows(hasEventLoop: boolean): Row[] {
  const set = zeros(8); // struct pollfd
  set.bytes.writeInt32LE(EVENTS, 0);
  set.bytes.writeInt16LE(POLLIN, 4);
  const wait: Row = {
    name: 'poll',
    number: X86_64.poll,
    arguments: hasEventLoop ? [{ blob: set }, 1, -1] : [0, 0, WITHOUT_EVENT_LOOP],
    tolerate: 'all',
  };
  const stop: Row = { name: 'kill', number: X86_64.kill, arguments: [0, SIGSTOP], onZero: wait };
  return [
    ...capabilityRows(0n),
    { name: 'prctl', number: X86_64.prctl, arguments: [PR_SET_PDEATHSIG, SIGKILL] },
    { name: 'prctl', number: X86_64.prctl, arguments: [PR_SET_DUMPABLE, 0] },
    { name: 'prctl', number: X86_64.prctl, arguments: [PR_SET_NAME, { blob: stringBlob('secfilt-wake') }] },
    // The terminal's signals are not for it.
    { name: 'setsid', number: X86_64.setsid, arguments: [], tolerate: 'all' },
    {
      name: 'rt_sigprocmask',
      number: X86_64.rt_sigprocmask,
      arguments: [SIG_BLOCK, { blob: { bytes: Buffer.alloc(8, 0xff) } }, 0, 8],
    },
    { name: 'getpid', number: X86_64.getpid, arguments: [], result: { row: stop, argument: 0 } },
    wait,
    stop,
  ];
}
