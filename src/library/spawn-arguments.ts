/** What spawn() of node:child_process is given, read as it reads it, but for what a sandbox does not hand on. */
import type { SpawnOptions, StdioOptions } from 'node:child_process';
import type { Command } from './backend.ts';

/** Standard input, output and error. */
const STREAMS = 3;
const SHELL = '/bin/sh';

/** Throws a TypeError for what spawn() would not take either, and for what would not reach the command. */
export function readSpawnArguments(words: readonly unknown[]): Command {
  const [file, ...others] = words;
  if (typeof file !== 'string' || file === '' || file.includes('\0'))
    throw new TypeError('the command has to be a string, not empty and without NUL characters');
  const [first, second] = others;
  const [args, given] =
    Array.isArray(first) || first === null || first === undefined ? [first, second] : [[], first];
  const options = given ?? {};
  if (typeof options !== 'object' || Array.isArray(options))
    throw new TypeError('the options of a command have to be an object');
  return commandOf(file, argumentsOf(args ?? []), options);
}

function argumentsOf(args: unknown): string[] {
  const words: readonly unknown[] = Array.isArray(args) ? args : [];
  return Array.from(words, (word, index) => {
    const text = typeof word === 'number' || typeof word === 'boolean' ? String(word) : word;
    if (typeof text === 'string' && !text.includes('\0')) return text;
    throw new TypeError(`argument ${index} has to be a string without NUL characters`);
  });
}

function commandOf(file: string, args: string[], options: SpawnOptions): Command {
  if (options.argv0 !== undefined)
    throw new TypeError('a command in a sandbox has its own name for its first argument: leave argv0 out');
  const { shell, ...rest } = options;
  const stdio = streamsOf(rest.stdio);
  if (shell === undefined || shell === false || shell === '')
    return { file, args, options: { ...rest, stdio } };
  const line = [file, ...args].join(' ');
  return {
    file: typeof shell === 'string' ? shell : SHELL,
    args: ['-c', line],
    options: { ...rest, stdio },
  };
}

/** The three streams; others are closed in a sandbox, so that whoever hands them on is told. */
function streamsOf(stdio: StdioOptions | undefined): Exclude<StdioOptions, string> {
  const streams = Array.isArray(stdio) ? [...stdio] : Array.from({ length: STREAMS }, () => stdio);
  if (streams.includes('ipc'))
    throw new TypeError("a sandbox has no channel for messages to its parent: 'ipc' cannot stand in stdio");
  if (streams.slice(STREAMS).some((stream) => stream !== undefined && stream !== null && stream !== 'ignore'))
    throw new TypeError('only standard input, output and error reach a command in a sandbox');
  return Array.from({ length: STREAMS }, (_, index) => streams[index] ?? 'pipe');
}
