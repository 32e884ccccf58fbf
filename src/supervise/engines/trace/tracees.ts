/**
 * The threads that are traced, and what becomes of each of their stops (ptrace(2)).
 *
 * Every stop is answered once: calls by the judge, signals by delivering them with the siginfo that they came with, stops
 * of a whole group by leaving the thread stopped until SIGCONT.
 */
import { Event, eventMessage, listen, requestStop, resume, resumeToSyscall } from '../../../linux/ptrace.ts';
import { endOf, hasTracees, isStopped, stopEvent, stopSignal } from '../../../linux/wait-tracees.ts';
import { kill } from '../../../linux/libc.ts';
import type { Command } from '../command.ts';
import { Injector, type Elsewhere } from './injector.ts';
import { InterruptedCalls } from './interrupted-call.ts';
import { TraceReferral, type Stops } from './referral.ts';

const SIGKILL = 9;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;

/** Answers a referral; its thread is let go by the reply. */
export type Answer = (referral: TraceReferral) => void;

export type Killed = Elsewhere['killed'];

export class Tracees implements Stops, Elsewhere {
  readonly injector: Injector = new Injector(this);
  readonly killed: Killed;
  readonly #command: Command;
  readonly #answer: Answer;
  readonly #referral = new TraceReferral(this);
  /**
   * Threads that have stopped and of whose end nothing was heard; the number of the stop in which a call waits for its
   * answer, or 0. Some may be gone unheard (execve(2) of a thread): who is left, only the kernel knows.
   */
  readonly #threads = new Map<number, number>();
  readonly #interrupted = new InterruptedCalls();
  #stops = 0;
  #someEnded = false;
  #ending = false;
  /** With which the command has stopped, and we have yet to. */
  #stopSignal: number | undefined;

  constructor(command: Command, answer: Answer, killed: Killed) {
    this.#command = command;
    this.#answer = answer;
    this.killed = killed;
  }

  /** True once none is left; asked of the kernel where one has ended since it was asked last. */
  areGone(): boolean {
    if (!this.#someEnded) return false;
    this.#someEnded = false;
    return !hasTracees();
  }

  /** Takes in what wait4(2) has said of a thread. */
  handle(tid: number, status: number): void {
    if (!isStopped(status)) {
      this.#ended(tid, status);
      return;
    }
    if (this.#ending) kill(tid, SIGKILL);
    if (!this.#threads.has(tid)) this.#threads.set(tid, 0);
    const signal = stopSignal(status);
    switch (stopEvent(status)) {
      case Event.seccomp:
        this.#refer(tid);
        return;
      case Event.fork:
      case Event.vfork:
      case Event.clone:
        break;
      case Event.exec:
        this.#executed(tid);
        break;
      case Event.stop:
        if (signal === SIGTRAP) break;
        listen(tid);
        if (this.#isCommand(tid)) this.#stopSignal = signal;
        return;
      default:
        this.#deliver(tid, signal, stopEvent(status));
        return;
    }
    resume(tid, 0);
  }

  get areToStop(): boolean {
    return this.#stopSignal !== undefined;
  }

  /** Stops this process with the command, until both go on. Signals to this process that came before are to be heard first. */
  stop(): void {
    const signal = this.#stopSignal;
    this.#stopSignal = undefined;
    if (signal !== undefined && this.#command.end === undefined)
      this.#command.change({ kind: 'stopped', signal });
  }

  isStanding(tid: number, stop: number): boolean {
    return this.#threads.get(tid) === stop;
  }

  answered(tid: number): void {
    this.#threads.set(tid, 0);
  }

  /** Ends all that is left, and whoever is born meanwhile: new ones stop before they do anything. */
  killAll(): void {
    this.#ending = true;
    // A number that was given to another process is none that we trace.
    for (const tid of this.#threads.keys()) if (requestStop(tid) === 0) kill(tid, SIGKILL);
  }

  /** From the beginning of a call too: the filter has yet to be asked. */
  #deliver(tid: number, signal: number, event: number): void {
    const isCall = signal === SYSCALL_STOP;
    const follow = isCall
      ? this.#interrupted.step(tid)
      : event === 0 && this.#interrupted.beginAgain(tid, signal);
    (follow ? resumeToSyscall : resume)(tid, isCall ? 0 : signal);
  }

  #refer(tid: number): void {
    this.#stops += 1;
    this.#threads.set(tid, this.#stops);
    // A thread that is gone needs no answer: its end is reported next, or that execve(2) has taken its number.
    if (this.#referral.read(tid, this.#stops)) this.#answer(this.#referral);
  }

  /** The thread that has called execve(2) now has its process's number, and all others are gone. */
  #executed(tid: number): void {
    const before = eventMessage(tid);
    if (before !== tid) this.#threads.delete(before);
    this.#threads.set(tid, 0);
    this.#interrupted.forget(tid);
    this.#interrupted.forget(before);
  }

  #ended(tid: number, status: number): void {
    this.#threads.delete(tid);
    this.#interrupted.forget(tid);
    this.#someEnded = true;
    if (this.#isCommand(tid)) this.#command.change(endOf(status));
  }

  /** Once it has ended its number may be another's. */
  #isCommand(tid: number): boolean {
    return tid === this.#command.pid && this.#command.end === undefined;
  }
}
