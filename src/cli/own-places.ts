/**
 * What secfilt itself is made of, set up by and writes to: the program, Node and its libraries, the names by which they were
 * found, what the environment makes them load, the config files, the log, and the links by which places were found. Where the command may change such a place, it
 * would change the next run, which begins outside of the sandbox.
 */
import { readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HIDDEN_PREFIXES } from '../launch/front-names.ts';
import { startPath } from '../launch/start-notes.ts';
import { variableBytes } from '../linux/environment.ts';
import { judgesNames } from '../policy/judges-names.ts';
import { Ways } from '../policy/links.ts';
import { absolutePath, currentDirectory, resolvePath } from '../policy/paths.ts';
import { namedTrees, type PathBytes, type Policy } from '../policy/policy.ts';
import { ValueError } from '../policy/value-error.ts';
import { isWithin } from '../policy/within.ts';
import { loadedNames, type LoadedNames } from './loaded-names.ts';
import { logTarget } from './open-reports.ts';
import type { Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';

/** The commands by which a run begins: `env node` is what ours says in its first line. */
const COMMANDS = ['node', 'secfilt', 'secfilter'];
/** What of a checkout is loaded. */
const LOADED = ['dist', 'package.json', 'share/sets'];
const DEPENDENCIES = ['koffi', '@koromix'];
/** What every start reads, or may come to read (ld.so(8), OpenSSL's config(5)). */
const SYSTEM_FILES = [
  '/etc/ld.so.preload',
  '/etc/ld.so.cache',
  '/etc/ssl/openssl.cnf',
  '/usr/lib/ssl/openssl.cnf',
  '/usr/local/ssl/openssl.cnf',
  '/usr/bin/env',
];
/** The resolvers are what it says, and an allowed host may be what the other one says. */
const RESOLV_CONF = '/etc/resolv.conf';
const HOSTS_FILE = '/etc/hosts';
const MAPPED_FILE_PATTERN = /^\S+ +\S+ +\S+ +\S+ +\S+ +(\/.*)$/gm;

/** Nothing where no tree may be changed, or everything may, since it is only watched. */
export function ownPlaces(settings: Settings, policy: Policy): PathBytes[] {
  const trees = policy.files === undefined ? [] : namedTrees(policy.files);
  if (trees.length === 0 || settings.learn) return [];
  const script = Buffer.from(process.argv[1] ?? '');
  const front = startPath();
  const libraries = mappedFiles();
  const system = [...SYSTEM_FILES, ...nameFiles(settings, policy)].map((name) => Buffer.from(name));
  const here = workingDirectory();
  const loaded = loadedNames(readAtStart(front !== undefined), libraries, here.toString('latin1'));
  refuseSearch(loaded, here, trees);
  const ways = new Ways();
  const everyName = (path: PathBytes): PathBytes[] => namesOf(path, ways);
  return [
    ...[
      script,
      ...(front === undefined ? [] : [front]),
      ...settings.configFiles,
      ...logFile(settings),
    ].flatMap(everyName),
    ...system.flatMap(everyName).filter(isNear(trees)),
    ...commandNames(ways),
    ...packagePlaces(resolvePath(script).toString('latin1'), ways),
    ...placesOf(loaded, ways),
    ...libraries,
    ...(policy.linksToDenied ?? []),
  ];
}

/** The root where it is gone: from there Node finds what it finds anywhere. */
function workingDirectory(): PathBytes {
  try {
    return currentDirectory();
  } catch (error) {
    if (error instanceof ValueError) return Buffer.from('/');
    throw error;
  }
}

/** The front hides from Node what Node would load. */
function readAtStart(byFront: boolean): Readonly<Record<string, string | undefined>> {
  if (!byFront) return process.env;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isHidden(name)));
}

function isHidden(name: string): boolean {
  return HIDDEN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function isNear(trees: readonly PathBytes[]): (path: PathBytes) => boolean {
  return (path) => trees.some((tree) => isWithin(path, tree));
}

/** The links that lead to what a path means, which need not exist, and that place itself. */
function namesOf(path: PathBytes, ways: Ways): PathBytes[] {
  const { links, place } = ways.of(absolutePath(path));
  return [...links, place];
}

/** Names in a directory that is looked through for them: they need not exist, and may be links. */
function namesIn(directory: PathBytes, names: readonly string[], ways: Ways): PathBytes[] {
  const [place, ...links] = namesOf(directory, ways).toReversed();
  if (place === undefined) return [];
  const entries = names.map((name) => join(place.toString('latin1'), name));
  const paths = entries.map((entry) => Buffer.from(entry, 'latin1'));
  return [...links, ...paths.flatMap((path) => (isLink(path) ? namesOf(path, ways) : [path]))];
}

function isLink(path: PathBytes): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/** In all directories of PATH: where a directory cannot be searched the next one is. */
function commandNames(ways: Ways): PathBytes[] {
  const folders = new Set(variableBytes('PATH', process.env)?.toString('latin1').split(':'));
  return [...folders].flatMap((folder) =>
    namesIn(Buffer.from(folder === '' ? '.' : folder, 'latin1'), COMMANDS, ways),
  );
}

/**
 * The package, and what it is looked for in all directories above (Node's "Loading from node_modules folders").
 * @param script of the package, as the kernel names it; bytes as characters, as all paths here
 */
function packagePlaces(script: string, ways: Ways): PathBytes[] {
  const root = dirname(dirname(script));
  const isInstalled = basename(dirname(root)) === 'node_modules';
  const own = isInstalled ? [root] : LOADED.map((name) => join(root, name));
  const places = own.map((place) => Buffer.from(place, 'latin1'));
  const packages = DEPENDENCIES.flatMap((name) => modulePlaces(dirname(script), name, ways));
  // What koffi requires is looked for from where it lies itself.
  const binaries = packages
    .filter(isKoffi)
    .flatMap((path) => modulePlaces(path.toString('latin1'), '@koromix', ways));
  return [...places, ...packages, ...binaries];
}

function isKoffi(path: PathBytes): boolean {
  return basename(path.toString('latin1')) === 'koffi' && statusOf(path) !== undefined;
}

/** Undefined also for what cannot be looked at, such as a link that leads to itself. */
function statusOf(path: PathBytes): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function modulePlaces(from: string, name: string, ways: Ways): PathBytes[] {
  const places: PathBytes[] = [];
  for (let directory = from; ; directory = dirname(directory)) {
    if (basename(directory) !== 'node_modules') {
      const modules = Buffer.from(join(directory, 'node_modules'), 'latin1');
      if (statusOf(modules) === undefined)
        places.push(Buffer.from(join(directory, 'node_modules', name), 'latin1'));
      else places.push(...namesIn(modules, [name], ways));
    }
    if (directory === '/') return places;
  }
}

/** What Node looks for from the working directory on is decided by more names than could be kept from changes. */
function refuseSearch({ searching }: LoadedNames, here: PathBytes, trees: readonly PathBytes[]): void {
  const [word] = searching;
  if (word === undefined || !ancestors(here).some((above) => trees.some((tree) => decides(tree, above))))
    return;
  throw new UsageError({
    option: 'NODE_OPTIONS',
    word,
    problem: 'makes secfilt load what the command could change',
    hint: 'start without it, and set it for the command: secfilt … env NODE_OPTIONS=… command',
  });
}

/** Whether what is changed in a tree decides what Node finds in a directory. */
function decides(tree: PathBytes, directory: PathBytes): boolean {
  const modules = Buffer.from(join(directory.toString('latin1'), 'node_modules'), 'latin1');
  return isWithin(directory, tree) || isWithin(tree, modules);
}

/** A directory and all above it. */
function ancestors(directory: PathBytes): PathBytes[] {
  const text = directory.toString('latin1');
  const found = ['/'];
  for (let end = text.length; end > 1; end = text.lastIndexOf('/', end - 1)) found.push(text.slice(0, end));
  return found.map((path) => Buffer.from(path, 'latin1'));
}

function placesOf({ files, folders, packages }: LoadedNames, ways: Ways): PathBytes[] {
  return [
    ...files.flatMap((path) => namesOf(path, ways)),
    ...folders.flatMap(({ folder, names }) => namesIn(folder, names, ways)),
    ...globalFolders().flatMap((folder) => namesIn(folder, [...DEPENDENCIES, ...packages], ways)),
  ];
}

/** Where modules are looked for last (Node's "Loading from the global folders"). */
function globalFolders(): PathBytes[] {
  const home = variableBytes('HOME', process.env)?.toString('latin1') ?? '';
  const homes = home === '' ? [] : [join(home, '.node_modules'), join(home, '.node_libraries')];
  const prefix = dirname(dirname(process.execPath));
  return [...homes, join(prefix, 'lib', 'node')].map((folder) => Buffer.from(folder, 'latin1'));
}

/** Node itself, koffi, and the libraries of both (proc_pid_maps(5)). */
function mappedFiles(): PathBytes[] {
  const maps = readFileSync('/proc/self/maps', 'latin1');
  const paths = new Set(Array.from(maps.matchAll(MAPPED_FILE_PATTERN), ([, path = '']) => path));
  return [...paths].map((path) => Buffer.from(path, 'latin1'));
}

/** A log that is a file; standard streams are the command's as well. */
/** What tells a policy about the network where the next run may connect to. */
function nameFiles(settings: Settings, { network }: Policy): readonly string[] {
  if (judgesNames(network)) return [RESOLV_CONF, HOSTS_FILE];
  return settings.policy.resolvers ? [RESOLV_CONF] : [];
}

function logFile({ log }: Settings): PathBytes[] {
  if (log === undefined) return [];
  const target = logTarget(log);
  const path = target.kind === 'file' ? target.path : target.fd > 2 ? pathBehind(target.fd) : undefined;
  return path !== undefined && statusOf(path)?.isFile() !== false ? [path] : [];
}

function pathBehind(descriptor: number): PathBytes | undefined {
  try {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' });
    return path.toString('latin1', 0, 1) === '/' ? path : undefined;
  } catch {
    return undefined;
  }
}
