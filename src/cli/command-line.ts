/** The whole command line: its words, and the config files that they name. */
import type { Assignment } from './assignments.ts';
import { makeSettings, type Settings } from './settings.ts';
import type { ByteString } from './byte-string.ts';
import { parseArguments } from './parse-arguments.ts';
import type { UsageError } from './usage-error.ts';

export type CommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'probe' | 'list-calls'; readonly settings: Settings; readonly json: boolean }
  | {
      readonly kind: 'explain';
      readonly settings: Settings;
      readonly json: boolean;
      readonly filter: boolean;
      readonly command: readonly Buffer[];
    }
  | {
      readonly kind: 'serve' | 'status';
      readonly settings: Settings;
      readonly socket: Assignment;
      readonly json: boolean;
    }
  | {
      readonly kind: 'explain-compiled';
      readonly file: Assignment;
      readonly json: boolean;
      readonly more: UsageError | undefined;
    }
  | {
      readonly kind: 'why';
      readonly accesses: readonly Assignment[];
      readonly settings: Settings;
      readonly json: boolean;
    }
  | {
      readonly kind: 'compile';
      readonly file: Assignment;
      readonly settings: Settings;
      readonly command: readonly Buffer[];
    }
  | { readonly kind: 'run'; readonly settings: Settings; readonly command: readonly Buffer[] };

const NO_CONFIG = { assignments: [], paths: [], sets: [] };

/** Config files come first, in their order; the command line adds to them and has the last word. */
export async function readCommandLine(words: readonly ByteString[]): Promise<CommandLine> {
  const parsed = parseArguments(words);
  if (parsed.kind === 'help' || parsed.kind === 'version' || parsed.kind === 'explain-compiled')
    return parsed;
  const files = parsed.assignments.filter(({ option }) => option.name === 'config');
  const { assignments, paths, sets } =
    files.length > 0 ? (await import('./config-file.ts')).readConfigFiles(files) : NO_CONFIG;
  const settings = makeSettings([...assignments, ...parsed.assignments], paths, sets);
  if (parsed.kind === 'run') return { kind: 'run', settings, command: parsed.command };
  if (parsed.kind === 'compile')
    return { kind: 'compile', file: parsed.file, settings, command: parsed.command };
  if (parsed.kind === 'why') {
    const { accesses, json } = parsed;
    return { kind: 'why', accesses, settings, json };
  }
  if (parsed.kind === 'explain') {
    const { json, filter, command } = parsed;
    return { kind: 'explain', settings, json, filter, command };
  }
  if (parsed.kind === 'serve' || parsed.kind === 'status') {
    const { kind, socket, json } = parsed;
    return { kind, settings, socket, json };
  }
  return { kind: parsed.kind, settings, json: parsed.json };
}
