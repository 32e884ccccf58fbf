/**
 * The mirror of stops: when the command stops, this process stops as well, so that whoever waits for it sees the job stop, as
 * natively. It goes on with the command: continued itself, it continues the command, and continued by somebody else, the
 * command takes it along (launch/resumer.ts).
 */
import { buildImage } from '../../launch/image.ts';
import { LaunchError } from '../../launch/launch-error.ts';
import { type Layout, resumerRows, type Sign } from '../../launch/resumer.ts';
import { duplicateHigh, startImage } from '../../launch/start.ts';
import { openProcFile, readProcText } from '../../linux/files.ts';
import { close, getpgrp, kill, poll, syscall } from '../../linux/libc.ts';
import { withDefaultAction } from '../../linux/signal-action.ts';
import { killChild, pidfdOpen, waitProcess } from '../../linux/spawn.ts';
import { X86_64 } from '../../linux/syscalls.ts';

const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;
/** SIGTSTP, SIGTTIN, SIGTTOU: a group whose parents do not watch it is not stopped by these (setpgid(2), orphaned groups). */
const OF_TERMINALS: readonly number[] = [20, 21, 22];
/** Milliseconds that a SIGCONT for our whole group may take from us to the command. */
const SAME_SIGNAL = 20;
/** The resumer's first descriptor. */
const FIRST = 3;

/** A file of the stopped process in /proc, and the characters in it that change when it goes on, by their offsets in bytes. */
interface StateFile {
  readonly name: 'stat' | 'status';
  readonly offsets: readonly number[];
  /** Of a character that is the same as long as the others are in their places. */
  readonly key?: number;
}

interface Resumer {
  readonly pid: number;
  readonly pidfd: number;
}

/** The characters that say "still stopped": stopped, stopped by its tracer; and digits without the bit of SIGCONT. */
const STOPPED = 'Tt014589cd';
/** The last letter of a line's name, by which its place is known: none of the six characters before it is of `STOPPED`. */
const KEY = 'k';
const KEY_LINE = '\nSigBlk:';
/**
 * By so many characters the lines may be moved, since a number on an earlier one, of signals that all of the user's processes
 * have (SigQ), has more digits by then, or fewer. In this order the key fits the right one first.
 */
const SHIFTS = [-3, -2, -1, 0, 1, 2, 3];

/**
 * Stops this process with the signal that has stopped a child, and returns when both go on. Does nothing where the child goes
 * on already.
 * @param traced this process traces the child: then only a pending SIGCONT shows that it is to go on
 */
export function stopToo(pid: number, signal: number, traced: boolean): void {
  const files = stateFiles(pid, traced);
  if (files === undefined) return;
  const resumer = startResumer(pid, files);
  stopSelf(signal);
  if (resumer !== undefined) endResumer(resumer);
  // A shell continues the whole group: the command is not to be told twice.
  if (ask(X86_64.getpgid, pid) === getpgrp()) {
    for (let waited = 0; waited < SAME_SIGNAL && isStopped(pid, traced); waited += 1) poll(null, 0, 1);
  }
  if (isStopped(pid, traced)) kill(pid, SIGCONT);
}

function isStopped(pid: number, traced: boolean): boolean {
  return stateFiles(pid, traced) !== undefined;
}

/** Where a child's state is seen (proc(5)); undefined when it is not stopped. */
function stateFiles(pid: number, traced: boolean): StateFile[] | undefined {
  const stat = stateFile(pid, 'stat', (text) => [text.lastIndexOf(')') + 2]);
  const status = traced ? stateFile(pid, 'status', continuePending) : undefined;
  if (stat === undefined || (traced && status === undefined)) return undefined;
  return status === undefined ? [stat] : [stat, status];
}

function stateFile(
  pid: number,
  name: StateFile['name'],
  find: (text: string) => number[],
): StateFile | undefined {
  const text = readProcText(`/proc/${pid}/${name}`);
  if (typeof text === 'number') return undefined;
  const offsets = find(text);
  if (!offsets.every((offset) => STOPPED.includes(text[offset] ?? ' '))) return undefined;
  return name === 'stat'
    ? { name, offsets }
    : { name, offsets, key: text.indexOf(KEY_LINE) + KEY_LINE.indexOf(KEY) };
}

/** The digits of the two masks of pending signals that hold the bit of SIGCONT (bit 0 is signal 1). */
function continuePending(text: string): number[] {
  return ['SigPnd', 'ShdPnd'].map((name) => {
    const end = text.indexOf('\n', text.indexOf(`\n${name}:\t`) + 1);
    return end - 1 - ((SIGCONT - 1) >> 2);
  });
}

/** Starts a process that lets us go on; undefined where there is none. Then nobody but our parent does. */
function startResumer(pid: number, files: readonly StateFile[]): Resumer | undefined {
  const descriptors = new Map<number, number>();
  const signs: Sign[] = [];
  const layouts: Layout[] = [];
  try {
    for (const { name, offsets, key } of files) {
      const file = openProcFile(`/proc/${pid}/${name}`);
      const descriptor = FIRST + descriptors.size;
      const copy = duplicateHigh(file);
      close(file);
      if (copy < 0) return undefined;
      descriptors.set(descriptor, copy);
      const signsAt = (shift: number): Sign[] =>
        offsets.map((offset) => ({ descriptor, offset: offset + shift }));
      if (key === undefined) signs.push(...signsAt(0));
      else
        layouts.push(
          ...SHIFTS.map((shift) => ({ key: { descriptor, offset: key + shift }, signs: signsAt(shift) })),
        );
    }
    const image = buildImage(resumerRows(process.pid, signs, layouts, STOPPED + KEY));
    const started = startImage(image, { descriptors, defaultSignals: [], from: ['memory', 'file'] });
    const pidfd = pidfdOpen(started);
    if (pidfd >= 0) return { pid: started, pidfd };
    // Not reaped yet, so the number is still its own. What remains of it ends with us.
    if (started > 1) kill(started, SIGKILL);
    return undefined;
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    return undefined;
  } finally {
    for (const copy of descriptors.values()) close(copy);
  }
}

function endResumer({ pid, pidfd }: Resumer): void {
  if (killChild(pid, pidfd)) waitProcess(pidfd);
  close(pidfd);
}

/** The shell words a stop by its signal, so it is the command's own where that stops us for sure. */
function stopSelf(signal: number): void {
  const stop = OF_TERMINALS.includes(signal) && isWatched() ? signal : SIGSTOP;
  withDefaultAction(stop, () => kill(process.pid, stop));
}

/** Whether our parent is in another group of our session, as a shell with job control is: then our group is no orphan. */
function isWatched(): boolean {
  const parent = process.ppid;
  return ask(X86_64.getsid, parent) === ask(X86_64.getsid, 0) && ask(X86_64.getpgid, parent) !== getpgrp();
}

function ask(number: number, pid: number): number {
  return syscall(number, pid, 0, 0, 0, 0, 0);
}
