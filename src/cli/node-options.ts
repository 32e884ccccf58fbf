/**
 * What the options of NODE_OPTIONS make Node load (Node's "Command-line API"): files, and what it looks for itself. Which options
 * there are changes with every version, so whatever an option is given is taken for a file as well.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface NodeModules {
  /** Paths, bytes as characters, relative ones to the working directory. */
  readonly files: readonly string[];
  /** Packages as they are named: Node looks for them in the working directory and all above it, and in global folders. */
  readonly packages: readonly string[];
  /** Words that let the working directory and those above it decide what is loaded: by a package.json, a link, or a default name. */
  readonly searching: readonly string[];
}

/** Options whose value is a module: the first as require() finds it, the others as import does. */
const REQUIRED = new Set(['-r', '--require']);
const IMPORTED = new Set(['--import', '--loader', '--experimental-loader']);
/** They change where the program's own modules are looked for, or name a default file. */
const SEARCHING = new Set([
  '--preserve-symlinks',
  '--preserve-symlinks-main',
  '--experimental-default-config-file',
]);
/** What a module's name may lack (Node's "CommonJS modules", "File modules"). */
export const EXTENSIONS = ['', '.js', '.json', '.node'] as const;

const IS_PATH = /^\.{0,2}\/|^\.{1,2}$/;

/** @param directory the working directory, with which an URL is relative */
export function nodeModules(options: string, directory: string): NodeModules {
  const files: string[] = [];
  const packages: string[] = [];
  const searching: string[] = [];
  const words = optionWords(options);
  for (const [index, word] of words.entries()) {
    const sign = word.startsWith('--') ? word.indexOf('=') : -1;
    // Node takes the one for the other.
    const name = (sign < 0 ? word : word.slice(0, sign)).replaceAll('_', '-');
    const value = sign < 0 ? words[index + 1] : word.slice(sign + 1);
    if (SEARCHING.has(name)) searching.push(word);
    if (value === undefined || !name.startsWith('-')) continue;
    const path = IMPORTED.has(name) ? pathOfSpecifier(value, directory) : pathOfName(value);
    const isModule = REQUIRED.has(name) || IMPORTED.has(name);
    if (path !== undefined)
      files.push(...(isModule ? EXTENSIONS : ['']).map((extension) => path + extension));
    else if (isModule) {
      packages.push(...(value.startsWith('#') ? [] : [packageOf(value)]));
      searching.push(sign < 0 ? `${word} ${value}` : word);
    } else if (sign >= 0 || !value.startsWith('-')) files.push(value);
  }
  return { files, packages, searching };
}

function pathOfName(value: string): string | undefined {
  return IS_PATH.test(value) ? value : undefined;
}

/** What import is given is an URL: relative, absolute or whole (Node's "Import Specifiers"). Undefined for a package. */
function pathOfSpecifier(value: string, directory: string): string | undefined {
  if (!IS_PATH.test(value) && !/^file:/i.test(value)) return undefined;
  try {
    const base = pathToFileURL(`${Buffer.from(directory, 'latin1').toString()}/`);
    const url = new URL(Buffer.from(value, 'latin1').toString(), base);
    return Buffer.from(fileURLToPath(url)).toString('latin1');
  } catch {
    return value;
  }
}

function packageOf(value: string): string {
  return value.split('/', value.startsWith('@') ? 2 : 1).join('/');
}

/** Blanks part them outside of double quotes, and a backslash in these takes its meaning from the next character. */
function optionWords(options: string): string[] {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"?/g, (_quoted, inner: string) => inner.replaceAll(/\\(.)/g, '$1')),
  );
}
