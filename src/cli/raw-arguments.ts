/** The words of the command line as the kernel holds them. Node decodes them as UTF-8, which loses other bytes. */
import { readFileSync } from 'node:fs';
import { PROC_TEXT_SIZE, readProcText } from '../linux/files.ts';
import { type ByteString, fromText, toBytes } from './byte-string.ts';
import { UsageError } from './usage-error.ts';

const COMMAND_LINE = '/proc/self/cmdline';
const REPLACEMENT_CHARACTER = '\ufffd';

/** The words after the script's name, lossless. Where /proc cannot be read they come from Node, if that lost nothing. */
export function rawArguments(): ByteString[] {
  const decoded = process.argv.slice(2);
  return wordsOf(readCommandLine(), decoded) ?? decoded.map(wordFromNode);
}

/** The last words of /proc/PID/cmdline, if they are the same that Node decoded. */
export function wordsOf(commandLine: ByteString, decoded: readonly string[]): ByteString[] | undefined {
  const words = commandLine
    .split('\0')
    .slice(0, -1)
    .slice(-decoded.length || Infinity);
  const same =
    words.length === decoded.length && words.every((word, i) => toBytes(word).toString() === decoded[i]);
  return same ? words : undefined;
}

function readCommandLine(): ByteString {
  // readFileSync() takes half a millisecond for a file that has no size.
  const text = readProcText(COMMAND_LINE);
  if (typeof text === 'string' && text.length < PROC_TEXT_SIZE) return text;
  try {
    return readFileSync(COMMAND_LINE, 'latin1');
  } catch {
    return '';
  }
}

function wordFromNode(word: string): ByteString {
  if (!word.includes(REPLACEMENT_CHARACTER)) return fromText(word);
  throw new UsageError({
    word: fromText(word),
    problem: 'has lost bytes on its way',
    hint: '/proc/self/cmdline is needed',
  });
}
