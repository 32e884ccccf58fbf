/**
 * What the environment makes Node, OpenSSL and the dynamic linker load at the start, as files and as names that are looked
 * for in folders (Node's "Environment variables", openssl-env(7), ld.so(8)).
 */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { variableBytes } from '../linux/environment.ts';
import type { PathBytes } from '../policy/policy.ts';

export interface LoadedNames {
  /** Files, or whole directories. */
  readonly files: readonly PathBytes[];
  readonly folders: readonly { readonly folder: PathBytes; readonly names: readonly string[] }[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Each names one file, or one directory from which anything may be loaded. */
const WHOLE = ['OPENSSL_CONF', 'OPENSSL_MODULES', 'OPENSSL_ENGINES', 'NODE_COMPILE_CACHE'] as const;
const MODULES = ['koffi', '@koromix'];
/** Below a folder of libraries, where those for this processor are looked for first. */
const LIBRARY_FOLDERS = ['glibc-hwcaps', 'tls', 'x86_64'];

/** @param libraries that are loaded now: their names are those that are looked for */
export function loadedNames(environment: Environment, libraries: readonly PathBytes[]): LoadedNames {
  const words = (name: string, separator: RegExp): PathBytes[] =>
    textOf(name, environment)
      .split(separator)
      .filter((word) => word !== '')
      .map(bytesOf);
  const whole = WHOLE.flatMap((name) => words(name, /(?!)/));
  const preloaded = ['LD_PRELOAD', 'LD_AUDIT'].flatMap((name) => words(name, /[\s:]+/));
  const required = optionValues(textOf('NODE_OPTIONS', environment)).map(fileOf).map(bytesOf);
  const sonames = [...libraries.map((path) => basename(path.toString('latin1'))), ...LIBRARY_FOLDERS];
  return {
    files: [...whole, ...[...preloaded, ...required].filter((path) => path.includes('/'))],
    folders: [
      ...words('NODE_PATH', /:/).map((folder) => ({ folder, names: MODULES })),
      ...words('LD_LIBRARY_PATH', /[:;]/).map((folder) => ({ folder, names: sonames })),
    ],
  };
}

/** Each byte a character. */
function textOf(name: string, environment: Environment): string {
  return variableBytes(name, environment)?.toString('latin1') ?? '';
}

function bytesOf(text: string): PathBytes {
  return Buffer.from(text, 'latin1');
}

/**
 * The words of NODE_OPTIONS, where blanks part them outside of double quotes and a backslash in these takes its meaning from the
 * next character; of `--require=./x.cjs` what is after the sign.
 */
function optionValues(options: string): string[] {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
  return words.map((word) => {
    const plain = word.replaceAll(/"((?:\\.|[^"\\])*)"?/g, (_quoted, inner: string) =>
      inner.replaceAll(/\\(.)/g, '$1'),
    );
    return plain.startsWith('-') && plain.includes('=') ? plain.slice(plain.indexOf('=') + 1) : plain;
  });
}

/** A module may be named by its URL (Node's `--import`). A word that is no path is a package's name or a switch. */
function fileOf(word: string): string {
  if (!word.startsWith('file:')) return word;
  try {
    return Buffer.from(fileURLToPath(word)).toString('latin1');
  } catch {
    return word;
  }
}
