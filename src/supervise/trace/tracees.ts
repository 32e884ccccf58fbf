/**
 * The threads that are traced, and what becomes of each of their stops (ptrace(2)).
 *
 * Every stop is answered once: calls by the judge, signals by delivering them with the siginfo that they came with, stops
 * of a whole group by leaving the thread stopped until SIGCONT.
 */
import { Event, eventMessage, listen, resume } from '../../linux/ptrace.ts';
import { endOf, isStopped, stopEvent, stopSignal } from '../../linux/wait-tracees.ts';
import { kill } from '../../linux/libc.ts';
import type { Command } from '../command.ts';
import { Injector } from './injector.ts';
import { TraceReferral, type Stops } from './referral.ts';

const SIGKILL = 9;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;

/** Answers a referral; its thread is let go by the reply. */
export type Answer = (referral: TraceReferral) => void;

export class Tracees implements Stops {
  readonly injector: Injector = new Injector((tid, status) => this.handle(tid, status));
  readonly #command: Command;
  readonly #answer: Answer;
  readonly #referral = new TraceReferral(this);
  /** Threads that have not ended; the number of the stop in which a call waits for its answer, or 0. */
  readonly #threads = new Map<number, number>();
  /** Threads that were seen before their parent's stop told of them; they may have ended by then. */
  readonly #unannounced = new Set<number>();
  #stops = 0;

  constructor(command: Command, answer: Answer) {
    this.#command = command;
    this.#answer = answer;
    this.#threads.set(command.pid, 0);
  }

  /** How many threads are left. */
  get size(): number {
    return this.#threads.size;
  }

  /** Takes in what wait4(2) has said of a thread. */
  handle(tid: number, status: number): void {
    if (!isStopped(status)) {
      this.#ended(tid, status);
      return;
    }
    if (!this.#threads.has(tid)) {
      this.#threads.set(tid, 0);
      this.#unannounced.add(tid);
    }
    const signal = stopSignal(status);
    switch (stopEvent(status)) {
      case Event.seccomp:
        this.#refer(tid);
        return;
      case Event.fork:
      case Event.vfork:
      case Event.clone:
        this.#born(eventMessage(tid));
        break;
      case Event.exec:
        this.#executed(tid);
        break;
      case Event.stop:
        if (signal === SIGTRAP) break;
        listen(tid);
        if (tid === this.#command.pid) this.#command.change({ kind: 'stopped', signal });
        return;
      default:
        resume(tid, signal === SYSCALL_STOP ? 0 : signal);
        return;
    }
    resume(tid, 0);
  }

  isStanding(tid: number, stop: number): boolean {
    return this.#threads.get(tid) === stop;
  }

  answered(tid: number): void {
    this.#threads.set(tid, 0);
  }

  /** Ends all that is left. */
  killAll(): void {
    for (const tid of this.#threads.keys()) kill(tid, SIGKILL);
  }

  #refer(tid: number): void {
    this.#stops += 1;
    this.#threads.set(tid, this.#stops);
    // A thread that is gone needs no answer: its end is reported next.
    if (this.#referral.read(tid, this.#stops)) this.#answer(this.#referral);
  }

  #born(tid: number): void {
    if (tid > 0 && !this.#unannounced.delete(tid)) this.#threads.set(tid, 0);
  }

  /** The thread that has called execve(2) now has its process's number, and all others are gone. */
  #executed(tid: number): void {
    const before = eventMessage(tid);
    this.#threads.set(tid, 0);
    if (before !== tid) this.#threads.delete(before);
    this.#unannounced.delete(before);
  }

  #ended(tid: number, status: number): void {
    if (!this.#threads.delete(tid)) this.#unannounced.add(tid);
    if (tid === this.#command.pid) this.#command.change(endOf(status));
    if (this.#command.end !== undefined) this.#prune();
  }

  /** Forgets threads that are gone although nothing was heard of their end, so that nobody waits for them. */
  #prune(): void {
    for (const tid of this.#threads.keys()) {
      if (kill(tid, 0) < 0) this.#threads.delete(tid);
    }
  }
}
