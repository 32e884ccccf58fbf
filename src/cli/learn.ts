/** `secfilt --learn=FILE`: the command runs as without restrictions, watched, and FILE is written from what it did. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { errnoMessage } from '../linux/errno.ts';
import { PATH_MAX } from '../linux/files.ts';
import { executedFiles } from '../launch/executed-files.ts';
import { currentDirectory, resolvePath, splitPath } from '../policy/paths.ts';
import type { Endpoint, ListedDestinations, PathBytes, Policy } from '../policy/policy.ts';
import { systemResolvers } from '../policy/resolvers.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';
import { homeDirectories } from '../report/homes.ts';
import { isWithin } from '../policy/within.ts';
import { Lessons, type ReadPlaces } from '../report/learn/lessons.ts';
import { type Homes, secrecy } from '../report/sensitive.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Assignment } from './assignments.ts';
import { complain } from './complain.ts';
import { givenPath } from './given-path.ts';
import { quotePathAsPlace } from './expand-path.ts';
import { learnedConfig, type LearnedReading } from './learned-config.ts';
import { placesOfSet, SecretPlaces } from './secret-places.ts';
import type { Settings } from './settings.ts';
import { givenTerminals } from '../supervise/engines/given-terminals.ts';
import { UsageError } from './usage-error.ts';

export interface Learning {
  /** Everything that a policy can allow: files are judged so that the supervisor hears of them. */
  readonly policy: Policy;
  readonly lessons: Lessons;
  /** Writes the file. */
  finish(): void;
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx'].map((name) => `/dev/${name}`);

/** Opens the file, which must not exist or be empty. Throws a UsageError. */
export async function beginLearning(
  { learnsReading }: Settings,
  file: Assignment,
  command: readonly Buffer[],
  program: PathBytes,
): Promise<Learning> {
  const descriptor = openFile(file);
  const path = givenPath(file);
  const homes = homeDirectories(process.env);
  const reading = learnsReading ? beginReading(path, homes) : undefined;
  const lessons = new Lessons(homes, reading?.places);
  const devices = new Set([...DEVICES, ...givenTerminals([0, 1, 2]).map((path) => path.toString('latin1'))]);
  const isDevice = (path: PathBytes): boolean => devices.has(path.toString('latin1'));
  const watched = resolvers();
  const { NETWORK_SETS } = await import('../policy/network-sets.ts');
  const { networksOf } = await import('../policy/destination-words.ts');
  const { tellsReceivers } = await import('../supervise/network/names/load-names.ts');
  const seesNames = watched.length > 0 && tellsReceivers();
  return {
    policy: {
      files: { writable: ['/', '/proc', '/sys'].map((path) => Buffer.from(path)) },
      network: undefined,
      unixSockets: [],
      anyUnixSocket: true,
      ...(learnsReading && { watchesReading: true }),
      ...(seesNames && { watchedNames: everyName(watched) }),
    },
    lessons,
    finish: () => {
      // The kernel opens them, and the interpreters of scripts, by itself.
      if (learnsReading)
        for (const each of [program, ...lessons.executed])
          for (const opened of executedFiles(each)) lessons.noteRead(opened);
      const bytes = learnedConfig(lessons, {
        command,
        homes,
        resolvers: watched,
        sets: [...NETWORK_SETS.keys()].map((set) => [set, networksOf(set)] as const),
        namesUnseen: seesNames ? undefined : 'this kernel does not tell who asks a resolver',
        isDevice,
        existing,
        isItself,
        reading,
      });
      try {
        // The command could write to it too.
        if (fstatSync(descriptor).isFile()) ftruncateSync(descriptor, 0);
        for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      } catch (error) {
        complain(`--learn: the file is incomplete: ${errnoMessage(errnoOf(error))}`);
      }
      if (!isAt(descriptor, path))
        complain('--learn: the command has put another file in the place of the one that was written');
      closeSync(descriptor);
    },
  };
}

/** A relative place in a config file begins where the file lies. */
function beginReading(file: PathBytes, homes: Homes): LearnedReading & { readonly places: ReadPlaces } {
  const secrets = new SecretPlaces();
  const system = new RuleIndex(placesOfSet('@system').map((place) => ({ effect: 'deny', place, said: '' })));
  const cwd = currentDirectory();
  const isOpen = secrecy(cwd, homes, secrets) === undefined;
  const here = splitPath(file).parent.equals(cwd) ? Buffer.from('.') : quotePathAsPlace(cwd);
  return {
    secrets,
    here: isOpen ? here : undefined,
    places: {
      isSystem: (path) => system.isDenied(path),
      isHere: (path) => isOpen && isWithin(path, cwd),
    },
  };
}

/** Pipes and devices are in no place that something else could take. */
function isAt(descriptor: number, path: PathBytes): boolean {
  const [own, found] = [fstatSync(descriptor), statSync(path, { throwIfNoEntry: false })];
  return !own.isFile() || (found?.ino === own.ino && found.dev === own.dev);
}

function openFile(file: Assignment): number {
  const details = { option: file.spelling, word: file.text, origin: file.origin };
  const { O_WRONLY, O_CREAT, O_NONBLOCK } = constants;
  let descriptor: number;
  try {
    descriptor = openSync(givenPath(file), O_WRONLY | O_CREAT | O_NONBLOCK, 0o666);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const hint = errnoMessage(errnoOf(error));
    throw new UsageError({ ...details, problem: 'cannot be written', hint });
  }
  const status = fstatSync(descriptor);
  if (!status.isFile() || status.size === 0) return descriptor;
  closeSync(descriptor);
  const hint = 'name a file that does not exist or is empty';
  throw new UsageError({ ...details, problem: 'exists already', hint });
}

/** A config file can name what does not exist only in a directory that does. */
function existing(path: PathBytes): PathBytes {
  let named = path;
  for (
    let { parent } = splitPath(named);
    parent.length > 1 && (named.length >= PATH_MAX || !existsSync(parent));
    { parent } = splitPath(named)
  ) {
    named = parent;
  }
  return named;
}

/** A config file that names a path means what links make of it. */
function isItself(path: PathBytes): boolean {
  try {
    return resolvePath(path).equals(path);
  } catch (error) {
    if (error instanceof ValueError) return false;
    throw error;
  }
}

/** All names, wherever they point. */
function everyName(endpoints: readonly Endpoint[]): ListedDestinations {
  return {
    kind: 'listed',
    networks: undefined,
    ports: undefined,
    endpoints,
    rules: [
      {
        effect: 'allow',
        to: { kind: 'host', name: { labels: [], zone: true } },
        ports: undefined,
        protocol: undefined,
        mayPointTo: [4, 16].map((length) => ({ address: new Uint8Array(length), prefix: 0 })),
        said: '--learn',
      },
    ],
  };
}

function resolvers(): ReturnType<typeof systemResolvers> {
  try {
    return systemResolvers();
  } catch {
    return [];
  }
}
