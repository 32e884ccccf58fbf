/**
 * What secfilt itself is made of, set up by and writes to: the program, Node and its libraries, the names by which they were
 * found, the config files, the log. Where the command may change such a place, it would change the next run, which begins
 * outside of the sandbox.
 */
import { accessSync, constants, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { linksOnTheWay } from '../policy/links.ts';
import { absolutePath, resolvePath } from '../policy/paths.ts';
import type { PathBytes, Policy } from '../policy/policy.ts';
import { logTarget } from './open-reports.ts';
import type { Settings } from './settings.ts';

/** The commands by which a run begins: `env node` is what ours says in its first line. */
const COMMANDS = ['node', 'secfilt', 'secfilter'];
/** The package's directory is a checkout: what of it is loaded, from its own modules too. */
const LOADED = ['dist', 'package.json', 'node_modules/koffi', 'node_modules/@koromix'];
/** Beside the package where it is installed. */
const DEPENDENCIES = ['koffi', '@koromix'];
const MAPPED_FILE_PATTERN = /^\S+ +\S+ +\S+ +\S+ +\S+ +(\/.*)$/gm;

/** Nothing where no tree may be changed, or everything may, since it is only watched. */
export function ownPlaces(settings: Settings, policy: Policy): PathBytes[] {
  if (policy.files === undefined || policy.files.writable.length === 0 || settings.learn) return [];
  const script = Buffer.from(process.argv[1] ?? '');
  const named = [script, ...commandNames(), ...settings.configFiles, ...logFile(settings)];
  return [
    ...named.flatMap(everyName),
    ...packagePlaces(resolvePath(script).toString('latin1')),
    ...mappedFiles(),
  ];
}

/** A path as it was written, the links that lead on from there, and what they lead to. */
function everyName(path: PathBytes): PathBytes[] {
  const absolute = absolutePath(path);
  try {
    return [...linksOnTheWay(absolute), resolvePath(absolute)];
  } catch {
    return [absolute];
  }
}

/** @param script of the package, as the kernel names it; bytes as characters, as all paths here */
function packagePlaces(script: string): PathBytes[] {
  const root = dirname(dirname(script));
  const modules = dirname(root);
  const isInstalled = basename(modules) === 'node_modules';
  const places = isInstalled
    ? [root, ...DEPENDENCIES.map((name) => join(modules, name))]
    : LOADED.map((name) => join(root, name));
  return places.map((place) => Buffer.from(place, 'latin1'));
}

/**
 * Where each command was found, and in the directories that are searched before that one the name that would be found
 * instead. A command that is found nowhere is started otherwise.
 */
function commandNames(): PathBytes[] {
  const folders = (process.env['PATH'] ?? '').split(':').map((folder) => resolve(folder));
  return COMMANDS.flatMap((command) => {
    const names = folders.map((folder) => join(folder, command));
    const found = names.findIndex(isExecutable);
    return names.slice(0, found + 1).map((name) => Buffer.from(name));
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Node itself, koffi, and the libraries of both (proc_pid_maps(5)). */
function mappedFiles(): PathBytes[] {
  const maps = readFileSync('/proc/self/maps', 'latin1');
  const paths = new Set(Array.from(maps.matchAll(MAPPED_FILE_PATTERN), ([, path = '']) => path));
  return [...paths].map((path) => Buffer.from(path, 'latin1'));
}

/** A log that is a file; standard streams are the command's as well. */
function logFile({ log }: Settings): PathBytes[] {
  if (log === undefined) return [];
  const target = logTarget(log);
  const path = target.kind === 'file' ? target.path : target.fd > 2 ? pathBehind(target.fd) : undefined;
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() !== false ? [path] : [];
}

function pathBehind(descriptor: number): PathBytes | undefined {
  try {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' });
    return isAbsolute(path.toString('latin1')) ? path : undefined;
  } catch {
    return undefined;
  }
}
