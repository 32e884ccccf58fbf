/**
 * What the environment makes Node, OpenSSL and the dynamic linker load at the start, as files and as names that are looked
 * for in folders (Node's "Environment variables", openssl-env(7), ld.so(8)).
 */
import { basename } from 'node:path';
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
    (environment[name] ?? '')
      .split(separator)
      .filter((word) => word !== '')
      .map((word) => Buffer.from(word));
  const whole = WHOLE.flatMap((name) => words(name, /(?!)/));
  const preloaded = ['LD_PRELOAD', 'LD_AUDIT'].flatMap((name) => words(name, /[\s:]+/));
  // `--require=./x.cjs`, `-r ./x.cjs`: a word that is no path is a package's name or a switch.
  const required = words('NODE_OPTIONS', /[\s=]+/);
  const sonames = [...libraries.map((path) => basename(path.toString('latin1'))), ...LIBRARY_FOLDERS];
  return {
    files: [...whole, ...[...preloaded, ...required].filter((path) => path.includes('/'))],
    folders: [
      ...words('NODE_PATH', /:/).map((folder) => ({ folder, names: MODULES })),
      ...words('LD_LIBRARY_PATH', /[:;]/).map((folder) => ({ folder, names: sonames })),
    ],
  };
}
