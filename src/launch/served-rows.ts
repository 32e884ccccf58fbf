/** The rows that a service sends to a client (client.ts): a plan to put in force, and the word that ends the conversation. */
import { Errno } from '../linux/errno.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { recordBlob, recordValue } from './blobs.ts';
import { STOP_CODE } from './code.ts';
import { farewellRows, printingRows } from './farewell.ts';
import { layOut, type Row } from './image.ts';
import { Descriptor, Kind } from './protocol.ts';
import { Region } from './region.ts';
import { SHELL, enforcementRows, scriptName, type Enforcement } from './rows.ts';
import { executeRow, stackWords } from './stack-words.ts';
import { watchdogRows } from './watchdog.ts';

/** What a client says that waits for a service which has ended. */
export const ENDED = 'secfilt: the service has ended before the command was started\n';

const CLONE_FILES = 0x400;
const WALL = 0x4000_0000;
const CLOSE_RANGE_CLOEXEC = 1 << 2;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** A command of a client's. */
export interface ServedCommand {
  /** The path to execute, resolved already, as the client sees it. */
  readonly path: Buffer;
  /** Arguments in place of the client's first ones. */
  readonly words: readonly Buffer[];
  /** How many of those are left out. */
  readonly skipped: number;
}

/** A message for the client, and the names of its rows by the number that a record has for them. */
export interface ServedRows {
  readonly bytes: Buffer;
  readonly steps: readonly string[];
}

/** Puts a plan in force and waits for the word. Throws a RangeError when the plan contradicts itself. */
export function servedEnforcement(plan: Enforcement): ServedRows {
  const watchdog = plan.listener ? [failsAlone(), ...watchdogRows(plan.signalScope, true)] : [];
  const rows = enforcementRows(plan, watchdog[0] === undefined ? [] : orphanRows(watchdog[0]));
  const ended = farewellRows(ENDED, STOP_CODE);
  const word = {
    ...told('read', X86_64.read, [Descriptor.report, Region.word, Region.wordSize]),
    onZero: ended[0],
  };
  return atRegion([...rows, word, jump(Region.word), ...ended, ...watchdog], Region.table);
}

/** The word to execute the command, with nothing open but standard input, output and error. */
export function servedCommand({ path, words, skipped }: ServedCommand): ServedRows {
  const own = stackWords(words, skipped);
  const name = stackWords(
    [SHELL, scriptName(path), ...words.slice(1)],
    words.length > 0 ? skipped : skipped + 1,
  );
  return atRegion(
    [
      told('close_range', X86_64.close_range, [Descriptor.report, 0xffff_ffff, CLOSE_RANGE_CLOEXEC]),
      ...own.rows,
      { ...executeRow('execve', path, own), report: Descriptor.report, tolerate: Errno.ENOEXEC },
      ...name.rows,
      { ...executeRow(`execve ${SHELL}`, SHELL, name), report: Descriptor.report },
    ],
    Region.word,
  );
}

/**
 * The word that nothing is executed.
 * @param text a whole line
 * @param at where the client is to find it: `Region.table` in place of a plan, `Region.word` after one
 */
export function servedFarewell(text: string, exitCode: number, at: number): Buffer {
  return atRegion(farewellRows(text, exitCode), at).bytes;
}

/** Text for the client to print, in place of a plan. Throws a RangeError where it is too long for one message. */
export function servedText(text: Buffer): Buffer {
  return atRegion(printingRows(text), Region.table).bytes;
}

/** Starts the watchdog as nobody's child that would have to know of it: its parent ends at once. */
function orphanRows(watchdog: Row): Row[] {
  const record = recordBlob(Kind.watchdog);
  const wait = told('wait4', X86_64.wait4, [0, 0, WALL, 0]);
  const leave: Row = { name: 'exit_group', number: X86_64.exit_group, arguments: [0] };
  const parent = [
    failsAlone(),
    {
      ...told('clone', X86_64.clone, [CLONE_FILES]),
      result: recordValue(record),
      onZero: watchdog,
    },
    told('write', X86_64.write, [Descriptor.report, { blob: record }, record.bytes.length]),
    leave,
  ];
  const go: Row = {
    ...told('clone', X86_64.clone, [CLONE_FILES]),
    result: { row: wait, argument: 0 },
    ...(parent[0] && { onZero: parent[0] }),
  };
  return [go, jump(wait), ...parent, wait];
}

/** A process of the client's that fails says so and ends; the client itself then hears of it. */
function failsAlone(): Row {
  return { name: 'store', number: 0, arguments: [0, Region.onFailure], store: true };
}

/** A call that always succeeds, and where to go on then. */
function jump(to: number | Row): Row {
  return { ...told('fcntl', X86_64.fcntl, [Descriptor.report, F_SETFD, FD_CLOEXEC]), onZero: to };
}

function atRegion(rows: readonly Row[], address: number): ServedRows {
  const { bytes } = layOut(rows, address);
  if (bytes.length > Region.tableSize) throw new RangeError('too many rows for one message');
  return { bytes, steps: rows.map(({ name }) => name) };
}

function told(name: string, number: number, args: Row['arguments']): Row {
  return { name, number, arguments: args, report: Descriptor.report };
}
