/** `secfilt --explain=FILE`: what is baked into an executable that --compile has made. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { errnoMessage } from '../linux/errno.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';
import { escapeBytes } from '../report/escape.ts';
import { shellQuote } from '../report/shell-quote.ts';
import type { Assignment } from './assignments.ts';
import { type Baked, LONGEST_FILE, readBaked } from './baked.ts';
import { toBytes } from './byte-string.ts';
import { reading } from './given-path.ts';
import type { UsageError } from './usage-error.ts';
import { print } from './print.ts';

export interface CompiledQuestion {
  readonly file: Assignment;
  readonly json: boolean;
  /** What is wrong with what else was given, for a file that is one. */
  readonly more: UsageError | undefined;
}

/** Prints it, as text or as one JSON object. Throws a UsageError for any other file. */
export function explainCompiled({ file, json, more }: CompiledQuestion): void {
  const baked = reading(file, () => {
    const found = readBaked(contentOf(toBytes(file.text)));
    if (found === undefined) throw new ValueError('is no compiled policy', { hint: '--compile makes one' });
    return found;
  });
  if (more) throw more;
  print(json ? `${JSON.stringify(asJson(baked))}\n` : text(baked));
}

/** Not of what has no end, or waits for somebody. */
function contentOf(path: Buffer): Buffer {
  let descriptor = -1;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(descriptor);
    return status.isFile() && status.size < LONGEST_FILE ? readFileSync(descriptor) : Buffer.alloc(0);
  } catch (error) {
    throw new ValueError('is neither "filter" nor a file that can be read', {
      hint: errnoMessage(errnoOf(error)),
    });
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
}

function asJson({ version, kind, options, command, socket, fallback }: Baked): object {
  return {
    version,
    kind,
    options: options.map(escapeBytes),
    command: command.map(escapeBytes),
    ...(socket && { socket: escapeBytes(socket) }),
    ...(fallback && { fallback: escapeBytes(fallback) }),
  };
}

function text({ version, kind, options, command, socket, fallback }: Baked): string {
  const lines = [
    `compiled by secfilt ${escapeBytes(Buffer.from(version))}`,
    kind === 'kernel'
      ? 'engine: kernel, in force by the file alone: neither secfilt nor Node is needed'
      : 'engine: of a service, or of secfilt where none answers',
    ...(socket ? [`service: ${escapeBytes(socket)}`] : []),
    ...(fallback ? [`secfilt: ${escapeBytes(fallback)}`] : []),
    `options: ${options.map(shellQuote).join(' ')}`,
    command.length === 0
      ? 'command: given at each start'
      : `command: ${command.map(shellQuote).join(' ')}, and what is given at each start`,
    '',
  ];
  return lines.join('\n');
}
