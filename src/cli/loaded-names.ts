/**
 * What the environment makes Node, OpenSSL and the dynamic linker load at the start, as files and as names that are looked
 * for in folders (Node's "Environment variables", openssl-env(7), ld.so(8)).
 */
import { basename } from 'node:path';
import { variableBytes } from '../linux/environment.ts';
import type { PathBytes } from '../policy/policy.ts';
import { EXTENSIONS, nodeModules } from './node-options.ts';

export interface LoadedNames {
  /** Files, or whole directories. */
  readonly files: readonly PathBytes[];
  readonly folders: readonly { readonly folder: PathBytes; readonly names: readonly string[] }[];
  /** Modules without a path, which are looked for in Node's global folders. */
  readonly packages: readonly string[];
  /** Words of NODE_OPTIONS that let the working directory and those above it decide what is loaded. */
  readonly searching: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Each names one file, or one directory from which anything may be loaded. */
const WHOLE = ['OPENSSL_CONF', 'OPENSSL_MODULES', 'OPENSSL_ENGINES', 'NODE_COMPILE_CACHE'] as const;
const MODULES = ['koffi', '@koromix'];
/** Below a folder of libraries, where those for this processor are looked for first. */
const LIBRARY_FOLDERS = ['glibc-hwcaps', 'tls', 'x86_64'];
/** Loaded later, if at all: by the unwinder, and by look-ups of users and hosts (nsswitch.conf(5)). */
const LATER = [
  'libgcc_s.so.1',
  ...(
    'compat dns files hesiod ldap mdns mdns4 mdns4_minimal mdns6 mdns6_minimal mdns_minimal ' +
    'myhostname mymachines nis resolve sss systemd winbind wins'
  )
    .split(' ')
    .map((source) => `libnss_${source}.so.2`),
];

/**
 * @param libraries that are loaded now: their names are those that are looked for
 * @param directory the working directory
 */
export function loadedNames(
  environment: Environment,
  libraries: readonly PathBytes[],
  directory: string,
): LoadedNames {
  const words = (name: string, separator: RegExp): string[] =>
    textOf(name, environment)
      .split(separator)
      .filter((word) => word !== '');
  const whole = WHOLE.flatMap((name) => words(name, /(?!)/));
  const preloaded = ['LD_PRELOAD', 'LD_AUDIT'].flatMap((name) => words(name, /[\s:]+/));
  const modules = nodeModules(textOf('NODE_OPTIONS', environment), directory);
  const sonames = [
    ...libraries.flatMap((path) => soughtNames(basename(path.toString('latin1')))),
    ...LATER,
    ...preloaded.filter((name) => !name.includes('/')),
    ...LIBRARY_FOLDERS,
  ];
  const packages = modules.packages.flatMap((name) => EXTENSIONS.map((extension) => name + extension));
  const [folders, trees] = libraryFolders(textOf('LD_LIBRARY_PATH', environment));
  return {
    files: [...trees, ...whole, ...preloaded.filter((path) => path.includes('/')), ...modules.files].map(
      bytesOf,
    ),
    folders: [
      ...words('NODE_PATH', /:/).map((folder) => ({
        folder: bytesOf(folder),
        names: [...MODULES, ...packages],
      })),
      ...folders.map((folder) => ({
        folder: bytesOf(folder),
        names: sonames,
      })),
    ],
    packages,
    searching: modules.searching,
  };
}

/**
 * Folders, and trees of which any may be one: what follows a token (`$LIB`, `$ORIGIN`) depends on machine and program. An empty word is
 * the working directory (ld.so(8)).
 */
function libraryFolders(path: string): [folders: string[], trees: string[]] {
  const words = path === '' ? [] : path.split(/[:;]/).map((folder) => (folder === '' ? '.' : folder));
  const trees = words.filter((word) => word.includes('$'));
  return [
    words.filter((word) => !word.includes('$')),
    trees.map((word) => word.slice(0, word.indexOf('$')).replace(/(?<=\/|^)[^/]*$/, '') || '.'),
  ];
}

/** A file is looked for by its name without the last numbers: libstdc++.so.6.0.30 as libstdc++.so.6. */
function soughtNames(file: string): string[] {
  const names = [file];
  for (let name = file; /\.so\.[^/]*\.?\d+$/.test(name);) {
    name = name.replace(/\.[^.]*$/, '');
    names.push(name);
  }
  return names;
}

/** Each byte a character. */
function textOf(name: string, environment: Environment): string {
  return variableBytes(name, environment)?.toString('latin1') ?? '';
}

function bytesOf(text: string): PathBytes {
  return Buffer.from(text, 'latin1');
}
