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
  /** Packages that are looked for in the working directory and all above it. */
  readonly packages: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Each names one file, or one directory from which anything may be loaded. */
const WHOLE = ['OPENSSL_CONF', 'OPENSSL_MODULES', 'OPENSSL_ENGINES', 'NODE_COMPILE_CACHE'] as const;
const MODULES = ['koffi', '@koromix'];
/** Below a folder of libraries, where those for this processor are looked for first. */
const LIBRARY_FOLDERS = ['glibc-hwcaps', 'tls', 'x86_64'];
/** Options of Node whose value is a module. */
const MODULE_OPTIONS = new Set(['-r', '--require', '--import', '--loader', '--experimental-loader']);
/** Those whose value is a path, with a slash or without. */
const PATH_OPTIONS = new Set(['--openssl-config', '--icu-data-dir']);
/** What a module's name may lack (Node's "CommonJS modules", "File modules"). */
const EXTENSIONS = ['', '.js', '.json', '.node'];

/** @param libraries that are loaded now: their names are those that are looked for */
export function loadedNames(environment: Environment, libraries: readonly PathBytes[]): LoadedNames {
  const words = (name: string, separator: RegExp): string[] =>
    textOf(name, environment)
      .split(separator)
      .filter((word) => word !== '');
  const whole = WHOLE.flatMap((name) => words(name, /(?!)/));
  const preloaded = ['LD_PRELOAD', 'LD_AUDIT'].flatMap((name) => words(name, /[\s:]+/));
  const modules = nodeModules(textOf('NODE_OPTIONS', environment));
  const sonames = [
    ...libraries.map((path) => basename(path.toString('latin1'))),
    ...preloaded.filter((name) => !name.includes('/')),
    ...LIBRARY_FOLDERS,
  ];
  return {
    files: [...whole, ...preloaded.filter((path) => path.includes('/')), ...modules.files].map(bytesOf),
    folders: [
      ...words('NODE_PATH', /:/).map((folder) => ({
        folder: bytesOf(folder),
        names: [...MODULES, ...modules.packages],
      })),
      ...libraryFolders(textOf('LD_LIBRARY_PATH', environment)).map((folder) => ({
        folder: bytesOf(folder),
        names: sonames,
      })),
    ],
    packages: modules.packages,
  };
}

/** An empty one is the working directory (ld.so(8)). */
function libraryFolders(path: string): string[] {
  return path === '' ? [] : path.split(/[:;]/).map((folder) => (folder === '' ? '.' : folder));
}

/** Each byte a character. */
function textOf(name: string, environment: Environment): string {
  return variableBytes(name, environment)?.toString('latin1') ?? '';
}

function bytesOf(text: string): PathBytes {
  return Buffer.from(text, 'latin1');
}

/** What the options of NODE_OPTIONS load: `--require=./x.cjs`, `-r ./x.cjs`, `--import file:///x.mjs`, `-r some-package`. */
function nodeModules(options: string): { files: string[]; packages: string[] } {
  const files: string[] = [];
  const packages: string[] = [];
  const words = optionWords(options);
  for (const [index, word] of words.entries()) {
    const sign = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = sign < 0 ? word : word.slice(0, sign);
    const value = sign < 0 ? words[index + 1] : word.slice(sign + 1);
    if (value === undefined) continue;
    if (PATH_OPTIONS.has(name)) files.push(value);
    if (!MODULE_OPTIONS.has(name)) continue;
    if (value.startsWith('file:')) files.push(...pathOfUrl(value));
    else if (/^\.{0,2}\//.test(value)) files.push(...EXTENSIONS.map((extension) => value + extension));
    else packages.push(value.split('/', value.startsWith('@') ? 2 : 1).join('/'));
  }
  return { files, packages };
}

/** Blanks part them outside of double quotes, and a backslash in these takes its meaning from the next character. */
function optionWords(options: string): string[] {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"?/g, (_quoted, inner: string) => inner.replaceAll(/\\(.)/g, '$1')),
  );
}

function pathOfUrl(url: string): string[] {
  try {
    return [Buffer.from(fileURLToPath(url)).toString('latin1')];
  } catch {
    return [];
  }
}
