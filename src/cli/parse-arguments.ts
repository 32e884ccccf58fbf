/**
 * The words of the command line, read with Node's own scanner. Options end at the first word that is not one, or at `--`;
 * what follows is the command's, untouched.
 */
import { parseArgs } from 'node:util';
import { type Assignment, namesFile, readAssignments } from './assignments.ts';
import { type ByteString, toBytes } from './byte-string.ts';
import { findOption, type Option, OPTIONS, optionNames } from '../options/option-table.ts';
import { nearestName } from '../options/suggest.ts';
import { type Origin, UsageError } from './usage-error.ts';

export type ParsedArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'probe' | 'list-calls';
      readonly assignments: readonly Assignment[];
      readonly json: boolean;
    }
  | {
      readonly kind: 'explain';
      readonly assignments: readonly Assignment[];
      readonly json: boolean;
      /** The compiled filter is to be shown. */
      readonly filter: boolean;
      /** Empty where none is given. */
      readonly command: readonly Buffer[];
    }
  | {
      readonly kind: 'serve' | 'status';
      readonly assignments: readonly Assignment[];
      /** Where; without a value: at the usual place. */
      readonly socket: Assignment;
      readonly json: boolean;
    }
  | {
      /** Which rule decides about each of these accesses. */
      readonly kind: 'why';
      readonly accesses: readonly Assignment[];
      readonly assignments: readonly Assignment[];
      readonly json: boolean;
    }
  | {
      /** What is baked into an executable is to be shown. */
      readonly kind: 'explain-compiled';
      readonly file: Assignment;
      readonly json: boolean;
      /** What is wrong with what else is given, once the file is known to be one. */
      readonly more: UsageError | undefined;
    }
  | {
      readonly kind: 'compile';
      readonly file: Assignment;
      readonly assignments: readonly Assignment[];
      /** Empty where it is given at the start. */
      readonly command: readonly Buffer[];
    }
  | {
      readonly kind: 'run';
      readonly assignments: readonly Assignment[];
      readonly command: readonly Buffer[];
    };

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly index: number;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

const COMMAND_LINE: Origin = { kind: 'command-line' };

/** Throws a UsageError for whatever is not understood. */
export function parseArguments(words: readonly ByteString[]): ParsedArguments {
  const assignments: Assignment[] = [];
  let commandStart = words.length;
  for (const token of scan(words)) {
    if (token.kind !== 'option') {
      commandStart = token.kind === 'option-terminator' ? token.index + 1 : token.index;
      break;
    }
    const option = knownOption(token);
    if ((option.name === 'help' || option.name === 'version') && token.value !== undefined) {
      throw new UsageError({
        option: token.rawName,
        word: token.value,
        problem: 'is too much',
        hint: 'it takes no value',
      });
    }
    const read = readAssignments(option, token.rawName, checkedValue(token, option), COMMAND_LINE);
    if (read[0]?.on === true && (option.name === 'help' || option.name === 'version'))
      return { kind: option.name };
    assignments.push(...read);
  }
  const last = (name: string): Assignment | undefined =>
    assignments.findLast(({ option }) => option.name === name);
  const isOn = (name: string): boolean => last(name)?.on === true;
  refuseTwoQuestions(
    ['probe', 'list-calls', 'explain', 'why', 'serve', 'status', 'compile'].flatMap((name) => {
      const given = last(name);
      return given !== undefined && (given.on || name === 'compile' || name === 'why') ? given : [];
    }),
  );
  for (const kind of ['probe', 'list-calls'] as const) {
    if (isOn(kind)) return { kind, assignments, json: isOn('json') };
  }
  const command = words.slice(commandStart).map(toBytes);
  for (const kind of ['serve', 'status'] as const) {
    const socket = last(kind);
    if (socket === undefined) continue;
    refuseCommand(socket, words[commandStart]);
    if (kind === 'serve') refuseUselessJson(last('json'));
    return { kind, assignments, socket, json: isOn('json') };
  }
  const explain = last('explain');
  if (explain?.on === true) {
    if (namesFile(explain)) {
      const more = uselessBeside(explain, assignments, command);
      return { kind: 'explain-compiled', file: explain, json: isOn('json'), more };
    }
    const filter = explain.text === 'filter';
    return { kind: 'explain', assignments, json: isOn('json'), filter, command };
  }
  const accesses = assignments.filter(({ option }) => option.name === 'why');
  if (accesses.length > 0) return { kind: 'why', accesses, assignments, json: isOn('json') };
  const compile = last('compile');
  if (compile) {
    refuseUselessJson(last('json'));
    return { kind: 'compile', file: compile, assignments, command };
  }
  if (command.length === 0) {
    throw new UsageError({
      problem: 'no command is given',
      hint: 'secfilt [options] [--] command [arguments]',
    });
  }
  refuseUselessJson(last('json'));
  return { kind: 'run', assignments, command };
}

/** Commands come to a service later. */
function refuseCommand({ spelling }: Assignment, word: ByteString | undefined): void {
  if (word === undefined) return;
  const hint = 'the value of an option stands behind =';
  throw new UsageError({ option: spelling, word, problem: 'is too much: it runs no command', hint });
}

/** Each of them prints its own and runs nothing. */
function refuseTwoQuestions([one, other]: readonly Assignment[]): void {
  if (one === undefined || other === undefined) return;
  const hint = 'leave one of them out';
  throw new UsageError({ option: one.spelling, problem: `contradicts ${other.spelling}`, hint });
}

/** It would be taken for a part of what is shown. */
function uselessBeside(
  explain: Assignment,
  assignments: readonly Assignment[],
  [name]: readonly Buffer[],
): UsageError | undefined {
  const more = assignments.find(({ option }) => option.name !== 'explain' && option.name !== 'json');
  const hint = 'what is baked into a file is shown alone';
  const problem = `has no effect beside ${explain.spelling} of a file`;
  if (more) return new UsageError({ option: more.spelling, problem, hint });
  return name && new UsageError({ word: name.toString('latin1'), problem, hint });
}

/** Whoever asks for JSON expects that nothing is run. */
function refuseUselessJson(json: Assignment | undefined): void {
  if (json?.on !== true) return;
  const hint = 'it goes with --explain, --why, --list-calls, --probe or --status';
  throw new UsageError({ option: json.spelling, problem: 'has no effect', hint });
}

/** Node's scanner in its lax mode: it finds where words, names and values are, the rules are ours. */
function scan(words: readonly ByteString[]): NonNullable<ReturnType<typeof parseArgs>['tokens']> {
  const options = Object.fromEntries(
    OPTIONS.flatMap((option: Option) =>
      [option.name, ...option.aliases].map((name) => [
        name,
        {
          type:
            option.kind === 'boolean' || option.kind === 'optional-file'
              ? ('boolean' as const)
              : ('string' as const),
          ...(option.short !== undefined && name === option.name && { short: option.short }),
        },
      ]),
    ),
  );
  return parseArgs({ args: [...words], options, tokens: true, strict: false, allowPositionals: true }).tokens;
}

function knownOption(token: OptionToken): Option {
  const option = findOption(token.name);
  const isLong = token.rawName.startsWith('--');
  if (option && (isLong || token.rawName === `-${option.short}`)) return option;
  const near = isLong ? nearestName(token.name, optionNames()) : undefined;
  const hint = near === undefined ? 'secfilt --help lists them' : `did you mean --${near}?`;
  throw new UsageError({ word: token.rawName, problem: 'is not an option', hint });
}

function checkedValue({ rawName, value, inlineValue }: OptionToken, option: Option): ByteString | undefined {
  const looksLikeOption = inlineValue === false && value?.startsWith('-') === true && value !== '-';
  if (!looksLikeOption) return value;
  const hint = `--${option.name}=${option.placeholder} is how to give one that starts with a dash`;
  throw new UsageError({ option: rawName, word: value, problem: 'is not a value', hint });
}
