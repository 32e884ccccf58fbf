/** What is baked into an executable by --compile, and can be read out of it again: a note in it (launch/note.ts), JSON. */
import { readNote } from '../launch/note.ts';
import { textOfWord, wordsIn } from '../service/request.ts';

/** Words are bytes. */
export interface Baked {
  readonly version: string;
  /** `kernel`: it stands alone. `client`: it asks a service, and executes secfilt where none answers. */
  readonly kind: 'kernel' | 'client';
  /** As they would stand on a command line, with nothing relative in them. */
  readonly options: readonly Buffer[];
  /** What the command begins with; empty: it is given at the start. */
  readonly command: readonly Buffer[];
  /** Of a client: the service's socket, and what is executed where none answers. */
  readonly socket?: Buffer;
  readonly fallback?: Buffer;
}

/** Longer files are none of ours. */
export const LONGEST_FILE = 64 * 1_048_576;

/** In JSON each byte is a character (ISO 8859-1), as in a request to a service. */
export function bakedText({ version, kind, options, command, socket, fallback }: Baked): Buffer {
  return Buffer.from(
    JSON.stringify({
      version,
      kind,
      options: options.map(textOfWord),
      command: command.map(textOfWord),
      ...(socket && { socket: textOfWord(socket) }),
      ...(fallback && { fallback: textOfWord(fallback) }),
    }),
  );
}

/** What a file has of it; undefined where it is no compiled policy of ours. */
export function readBaked(file: Buffer): Baked | undefined {
  const note = readNote(file);
  if (note === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(note.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, kind, options, command, socket, fallback } = Object.fromEntries<unknown>(
    Object.entries(value),
  );
  const [given, words] = [wordsIn(options), wordsIn(command)];
  if (typeof version !== 'string' || (kind !== 'kernel' && kind !== 'client')) return undefined;
  if (given === undefined || words === undefined) return undefined;
  return {
    version,
    kind,
    options: given,
    command: words,
    ...(typeof socket === 'string' && { socket: Buffer.from(socket, 'latin1') }),
    ...(typeof fallback === 'string' && { fallback: Buffer.from(fallback, 'latin1') }),
  };
}
