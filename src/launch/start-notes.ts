/** What the front (front.ts) has noted of the start of this process. */
import { restoreFirstBytes } from '../linux/environ.ts';
import { variableBytes } from '../linux/environment.ts';
import { ignoreSignal } from '../linux/libc.ts';
import { guessOpenFilesLimit, openFilesLimit, type OpenFilesLimit } from '../linux/open-files.ts';
import { HIDDEN, HIDDEN_PREFIXES, NOTE_VARIABLE } from './front-names.ts';

export interface StartNotes {
  /** The soft limit of open files. */
  readonly openFiles: bigint;
  /** The signals that were ignored, which Node has given their default action. */
  readonly ignored: readonly number[];
  /** Whether variables are hidden. */
  readonly hides: boolean;
  /** The path by which the front was executed; empty where the kernel does not tell. */
  readonly path: Buffer;
}

const LENGTH = 33;
const PATTERN = /^[0-9a-f]{32}[01]/;
const LAST_SIGNAL = 31;
/** SIGKILL, SIGSTOP: nobody ignores them. */
const UNIGNORABLE = new Set([9, 19]);
/**
 * SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGCHLD, SIGCONT: a supervisor that ignored these would hear of no fault and of no
 * child. SIGUSR1 has a handler of ours.
 */
const NEVER_IGNORED_HERE = new Set([4, 5, 7, 8, 10, 11, 17, 18]);

let notes: StartNotes | undefined;

/** A limit and a mask (bit 0 is signal 1) of 16 hexadecimal digits each, a digit, the path. Undefined: no such note. */
export function parseStartNotes(note: Buffer): StartNotes | undefined {
  const text = note.toString('latin1', 0, LENGTH);
  if (!PATTERN.test(text)) return undefined;
  const mask = BigInt(`0x${text.slice(16, 32)}`);
  const signals = Array.from({ length: LAST_SIGNAL }, (_, index) => index + 1);
  return {
    openFiles: BigInt(`0x${text.slice(0, 16)}`),
    ignored: signals.filter(
      (signal) => ((mask >> BigInt(signal - 1)) & 1n) === 1n && !UNIGNORABLE.has(signal),
    ),
    hides: text.endsWith('1'),
    path: note.subarray(LENGTH),
  };
}

/**
 * Takes the note out of the environment, brings the variables that the front has hidden back to light, and ignores here what was
 * ignored. Nobody but a front has left a note: who sets the variable by hand chooses for his own command.
 */
export function takeStartNotes(): void {
  const { env } = process;
  const note = env[NOTE_VARIABLE] === undefined ? undefined : variableBytes(NOTE_VARIABLE, env);
  if (note === undefined) return;
  delete env[NOTE_VARIABLE];
  notes = parseStartNotes(note);
  if (notes?.hides === true) restoreFirstBytes(HIDDEN, HIDDEN_PREFIXES);
  for (const signal of ignoredAtStart()) if (!NEVER_IGNORED_HERE.has(signal)) ignoreSignal(signal);
}

/** The path by which secfilt was started; undefined where there was no front. */
export function startPath(): Buffer | undefined {
  return notes === undefined || notes.path.length === 0 ? undefined : notes.path;
}

/** The signals that a command has to ignore, as it would without us. */
export function ignoredAtStart(): readonly number[] {
  return notes?.ignored ?? [];
}

/** The limit to give back to a command: noted, or without a front guessed. Undefined: nothing to put right. */
export function openFilesAtStart(): OpenFilesLimit | undefined {
  const own = openFilesLimit();
  if (notes === undefined || own === undefined) return guessOpenFilesLimit();
  const { openFiles: soft } = notes;
  return soft > 0n && soft < own.soft ? { soft, hard: own.hard } : undefined;
}
