/**
 * Sets of places: those that come with secfilt, as files beside the program (share/sets), and those that config files define
 * (`set.mine=~/work/private,*.key`). Import it lazily.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoMessage } from '../linux/errno.ts';
import { variableBytes } from '../linux/environment.ts';
import { BUILT_IN_SETS } from '../options/policy-keys.ts';
import { nearestName } from '../options/suggest.ts';
import { resolveMissingText, type Ways } from '../policy/links.ts';
import { SET_NAME_PATTERN, setNamed } from '../policy/place-text.ts';
import { absolutePath, isOurOwn } from '../policy/paths.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';
import { type ByteString, printable, toBytes } from './byte-string.ts';
import { type Environment, expandPlace } from './expand-path.ts';
import { baseOf, type GivenWord, reading } from './given-path.ts';
import { resolvePlace, type ResolvedPlace, resolveWord } from './given-place.ts';
import { readSet } from './set-text.ts';
import { UsageError } from './usage-error.ts';

/** What a config file says of one set, once: what others say adds to it. */
export interface SetDefinition {
  readonly name: string;
  /** Its places, and `@others`. */
  readonly words: readonly GivenWord[];
}

export interface SetPlace extends ResolvedPlace {
  /** As it is written in the set. */
  readonly written: ByteString;
  /** It lies outside of the home, in a set that comes with secfilt. */
  readonly isOfMachine?: true;
}

const BUILT_IN: ReadonlySet<string> = new Set(BUILT_IN_SETS);
const SUFFIX = '.set';
const NOTHING = '/dev/null';
const PROC = '/proc';
/** Absolute, and no sign in it has a meaning. */
const PLAIN_PATTERN = /^\/[^\\*?[\0]*$/;
/** From a module of the program to the package that holds it. */
const DEEPEST = 4;

export class Sets {
  readonly #own = new Map<string, GivenWord[]>();
  readonly #ways: Ways;
  readonly #environment: Environment;
  readonly #folder: string | undefined;

  /**
   * Throws a UsageError where one is defined that comes with secfilt.
   * @param folder where those lie
   */
  constructor(ways: Ways, definitions: readonly SetDefinition[], environment: Environment, folder?: string) {
    this.#ways = ways;
    this.#environment = environment;
    this.#folder = folder;
    for (const { name, words } of definitions) {
      this.#refuseKnown(name, words);
      this.#own.set(name, [...(this.#own.get(name) ?? []), ...words]);
    }
  }

  /** The places of the set that a word names. Throws a UsageError. */
  placesOf(given: GivenWord): SetPlace[] {
    return this.#placesOf(given, []);
  }

  /** @param above the sets on the way here */
  #placesOf(given: GivenWord, above: readonly string[]): SetPlace[] {
    const name = setNamed(given.text) ?? '';
    const words = this.#own.get(name);
    if (words === undefined) return reading(given, () => this.#readBuiltIn(name));
    if (above.includes(name)) {
      const way = [...above, name].map((each) => `@${each}`).join(', which holds ');
      throw new UsageError({ ...wordOf(given), problem: 'is a set that holds itself', hint: way });
    }
    return words.flatMap((word) => {
      if (setNamed(word.text) !== undefined) return this.#placesOf(word, [...above, name]);
      return reading(word, () => {
        const text = expandPlace(word.text, this.#environment);
        return [{ written: word.text, ...resolvePlace(text, baseOf(word), this.#ways) }];
      });
    });
  }

  #readBuiltIn(name: string): SetPlace[] {
    if (!BUILT_IN.has(name)) throw this.#unknown(name);
    const lines = readSet(load(join(this.#folder ?? setsFolder(), name + SUFFIX)), this.#valueOf);
    const home = this.#home();
    const found: SetPlace[] = [];
    for (const { written, places } of lines) {
      for (const text of places) {
        const at = this.#placeOf(text);
        const { place } = at;
        const isMeant = written === NOTHING || place.kind === 'pattern' || isPlace(at.text, home);
        const isOfMachine = home !== undefined && !isBelow(at.text, home);
        if (isMeant) found.push({ written, place, links: at.links, ...(isOfMachine && { isOfMachine }) });
      }
    }
    return found;
  }

  /** Most are plain absolute paths, hundreds of them: bytes are made of what they come to, once. */
  #placeOf(text: ByteString): ResolvedPlace & { readonly text: ByteString } {
    if (!PLAIN_PATTERN.test(text)) {
      const found = resolveWord(text, undefined, this.#ways);
      return { ...found, text: found.place.kind === 'path' ? found.place.path.toString('latin1') : '' };
    }
    const { links, place } = resolveMissingText(text, this.#ways);
    return { place: { kind: 'path', path: toBytes(place) }, links, text: place };
  }

  readonly #valueOf = (name: string): ByteString | undefined => {
    if (name === 'UID') return String(process.getuid?.());
    const value = variableBytes(name, this.#environment)?.toString('latin1');
    return value === '' ? undefined : value;
  };

  #home(): ByteString | undefined {
    const home = this.#valueOf('HOME');
    return home === undefined
      ? undefined
      : this.#ways.of(absolutePath(toBytes(home))).place.toString('latin1');
  }

  #unknown(name: string): ValueError {
    const names = [...BUILT_IN, ...this.#own.keys()];
    const near = nearestName(name, names);
    const list = `there are ${names.map((each) => `@${each}`).join(', ')}`;
    return new ValueError('names no set of places', {
      hint: near === undefined ? list : `did you mean @${near}? ${list}`,
    });
  }

  #refuseKnown(name: string, [word]: readonly GivenWord[]): void {
    if (word === undefined || !BUILT_IN.has(name)) return;
    const { spelling: option, origin } = word;
    throw new UsageError({
      option,
      origin,
      problem: 'is a set of secfilt itself',
      hint: 'name it otherwise',
    });
  }
}

/** Where the sets lie that come with secfilt: in the package that holds this module. */
export function setsFolder(): string {
  let folder = import.meta.dirname;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const sets = join(folder, 'share', 'sets');
    if (statSync(join(folder, 'package.json'), { throwIfNoEntry: false })?.isFile() === true) return sets;
    folder = dirname(folder);
  }
  throw new Error(`no package holds ${import.meta.dirname}`);
}

/** Throws a ValueError for what no set can be called. */
export function refuseSetName(name: string): void {
  if (SET_NAME_PATTERN.test(name)) return;
  throw new ValueError('is no name of a set', {
    hint: 'a letter, then letters, digits, - and _',
  });
}

/** Its place is beside the program: where it is missing, secfilt is not whole. */
function load(file: string): ByteString {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new ValueError('cannot be read', { place: Buffer.from(file), hint: errnoMessage(errnoOf(error)) });
  }
}

/**
 * What leads to the null device by another name is no secret, what leads to the home directory or above it would be a rule about everything, and what
 * leads to an entry of this process would be another place for the command.
 */
function isPlace(path: ByteString, home: ByteString | undefined): boolean {
  const isAboveHome = home !== undefined && (home === path || isBelow(home, path));
  if (path.length === 1 || path === NOTHING || isAboveHome) return false;
  return !path.startsWith(PROC) || !isOurOwn(toBytes(path));
}

function isBelow(path: ByteString, directory: ByteString): boolean {
  return directory === '/' ? path.length > 1 : path.startsWith(directory) && path[directory.length] === '/';
}

function wordOf({ spelling: option, text: word, origin }: GivenWord): {
  option: string;
  word: ByteString;
  origin: GivenWord['origin'];
} {
  return { option, word, origin };
}

/** As it is told to people. */
export function saidOf({ written }: SetPlace): string {
  return printable(written);
}
