/**
 * The resumer: a process that exists only while the supervisor is stopped, and lets it go on when its command does.
 *
 * The kernel tells nobody but the parent that a process goes on, and the parent is stopped. So the resumer looks a few times
 * a second: it reads one character of a file in /proc into an argument of the next row, which asks whether that is an open
 * descriptor (fcntl(2), F_GETFD). Open are those whose numbers are the characters that say "still stopped".
 *
 * It never ends by itself, and wakes the supervisor until that has ended it: a SIGCONT that comes before the supervisor has
 * stopped is of no use.
 */
import { X86_64 } from '../linux/syscalls.ts';
import { filterBlob, stringBlob } from './blobs.ts';
import type { Row } from './image.ts';
import { capabilityRows } from './rows.ts';
import { onlyCalls } from './watchdog.ts';
import { SECCOMP_SET_MODE_FILTER } from '../linux/seccomp.ts';

/** A character of a file, at an offset in bytes. */
export interface Sign {
  /** The number that the resumer has the file under: 3 or higher, below the code of any character. */
  readonly descriptor: number;
  readonly offset: number;
}

/** Milliseconds between two looks. */
const PAUSE = 50;
const F_GETFD = 1;
const SIGKILL = 9;
const SIGCONT = 18;
const SIG_BLOCK = 0;
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NAME = 15;
const PR_SET_NO_NEW_PRIVS = 38;

/** A text whose lines are not always in the same place. */
export interface Layout {
  /** A character of `stopped` where the text is laid out so. */
  readonly key: Sign;
  readonly signs: readonly Sign[];
}

/**
 * Rows that send SIGCONT to `supervisor` as soon as one of the signs is a character that is not in `stopped`, or cannot be
 * read. They look in the order of the signs: those that are always in their place, then those of the layout whose key fits.
 */
export function resumerRows(
  supervisor: number,
  signs: readonly Sign[],
  layouts: readonly Layout[],
  stopped: string,
): Row[] {
  const held = signs[0]?.descriptor ?? 0;
  const wait: Row = row('poll', X86_64.poll, [0, 0, PAUSE], { tolerate: 'all' });
  const wake = (): Row => row('kill', X86_64.kill, [supervisor, SIGCONT], { onZero: wait });
  // From the last to the first: each look goes on to the next, the last one back to the pause.
  const chain = (those: readonly Sign[], end: Row): { rows: Row[]; first: Row } => {
    const rows: Row[] = [];
    let first = end;
    for (const sign of those.toReversed()) {
      const look = lookAt(sign, first);
      rows.unshift(...look, wake());
      [first = end] = look;
    }
    return { rows, first };
  };
  const laidOut = layouts.map(({ key, signs: those }) => {
    const { rows, first } = chain(those, wait);
    return { keys: lookAt(key, first), rows };
  });
  const again = row('sched_yield', X86_64.sched_yield, [], { onZero: wait });
  const choice = [...laidOut.flatMap(({ keys }) => keys), again];
  const looks = [...chain(signs, choice[0] ?? wait).rows, ...choice, ...laidOut.flatMap(({ rows }) => rows)];
  const { poll, sched_yield, pread64, fcntl, kill, write, exit_group } = X86_64;
  return [
    ...capabilityRows(0n),
    row('prctl', X86_64.prctl, [PR_SET_PDEATHSIG, SIGKILL]),
    row('prctl', X86_64.prctl, [PR_SET_DUMPABLE, 0]),
    row('prctl', X86_64.prctl, [PR_SET_NAME, { blob: stringBlob('secfilt-stop') }]),
    // The terminal's signals are not for it.
    row('setsid', X86_64.setsid, []),
    row('rt_sigprocmask', X86_64.rt_sigprocmask, [
      SIG_BLOCK,
      { blob: { bytes: Buffer.alloc(8, 0xff) } },
      0,
      8,
    ]),
    row('close_range', X86_64.close_range, [0, 2, 0]),
    ...Array.from(stopped, (character) => row('dup2', X86_64.dup2, [held, character.charCodeAt(0)])),
    row('prctl', X86_64.prctl, [PR_SET_NO_NEW_PRIVS, 1]),
    row('seccomp', X86_64.seccomp, [
      SECCOMP_SET_MODE_FILTER,
      0,
      { blob: filterBlob(onlyCalls([poll, sched_yield, pread64, fcntl, kill, write, exit_group])) },
    ]),
    wait,
    ...looks,
  ];
}

/** Goes on with `next` where the character is that of one who is stopped, and with the row behind where it is not. */
function lookAt({ descriptor, offset }: Sign, next: Row): Row[] {
  const isStopped = row('fcntl', X86_64.fcntl, [-1, F_GETFD], { tolerate: 'all', onZero: next });
  const character = { row: isStopped, argument: 0 } as const;
  // Where nothing is read no character of before is left: descriptor 0 is closed.
  const clear = row('sched_yield', X86_64.sched_yield, [], { result: character });
  const look = row('pread64', X86_64.pread64, [descriptor, character, 1, offset], { tolerate: 'all' });
  return [clear, look, isStopped];
}

function row(name: string, number: number, args: Row['arguments'], more: Partial<Row> = {}): Row {
  return { name: `resumer: ${name}`, number, arguments: args, ...more };
}
