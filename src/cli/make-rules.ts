/**
 * The words about places, turned into rules: sets are opened, variables filled in, paths looked up. Import it lazily: most runs have
 * no words but paths that may be changed, which make-policy.ts reads itself.
 */
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, F_OK, terminated } from '../linux/files.ts';
import { syscallMemory2 } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { Ways } from '../policy/links.ts';
import { resolvePath } from '../policy/paths.ts';
import { isPattern, setNamed, unquotePlace } from '../policy/place-text.ts';
import { changeableTrees, ROOT, type FilePolicy, type PathBytes, type Policy } from '../policy/policy.ts';
import { ValueError } from '../policy/value-error.ts';
import { formatPattern, literally } from '../rules/format-pattern.ts';
import type { Rule } from '../rules/rule.ts';
import { escapeBytes } from '../report/escape.ts';
import type { Assignment } from './assignments.ts';
import { printable, toBytes } from './byte-string.ts';
import { type Environment, expandPlace } from './expand-path.ts';
import { baseOf, finderOfLinks, reading, refuserOfLinks } from './given-path.ts';
import { resolvePlace, type ResolvedPlace } from './given-place.ts';
import { saidOf, Sets } from './sets.ts';
import type { PolicyWords } from './settings.ts';

/** A word, or what one place of a set comes to. */
interface Found extends ResolvedPlace {
  readonly given: Assignment;
  readonly said: string;
  /** It was not named itself. */
  readonly isOfSet?: true;
  /** It lies outside of the home, in a set that comes with secfilt. */
  readonly isOfMachine?: true;
}

interface Known {
  readonly sets: Sets;
  readonly ways: Ways;
  readonly environment: Environment;
}

/** What a policy has of rules, and the places of `--write-own`, which others have looked up. */
export type PlaceRules = Pick<Policy, 'files' | 'read' | 'execute' | 'linksToDenied'>;

/** Throws a UsageError that names the word at fault. */
export function makeRules(
  words: PolicyWords,
  own: readonly PathBytes[],
  environment: Environment,
): PlaceRules {
  const ways = new Ways();
  const known = { sets: new Sets(ways, words.sets, environment), ways, environment };
  const find = (given: readonly Assignment[]): Found[] => given.flatMap((word) => placesOf(word, known));
  const deny = (given: readonly Assignment[]): Found[] =>
    given.flatMap((word) => refuseEmpty(word, placesOf(word, known)));
  const write = without({ allowed: find(words.writable), denied: deny(words.writeDenied) });
  const read = without({
    allowed: find(words.readAllowed),
    denied: deny(words.readDenied).filter(isThere),
  });
  const execute = without({ allowed: find(words.execAllowed), denied: deny(words.execDenied) });
  for (const found of [...execute.allowed, ...execute.denied]) refusePattern(found);

  const files = makeFiles(words, own, write.allowed, write.denied);
  const trees = changeableTrees(files);
  const [refuseLinks, findLink] = [refuserOfLinks(trees), finderOfLinks(trees)];
  const isSafe = ({ given, links, isOfSet }: Found): boolean => {
    // Nobody wrote the place of a set: it is left out.
    if (isOfSet === true) return findLink(links) === undefined;
    refuseLinks(given, links);
    return true;
  };
  for (const { given, links } of write.allowed) refuseLinks(given, links);
  const readable = read.allowed.filter(isSafe);
  const linksToDenied = [...read.denied, ...execute.denied].flatMap(({ links }) => links);
  return {
    files,
    ...(read.denied.length > 0 && {
      read: rulesOf([...readable, ...readable.flatMap(linksOf)], read.denied),
    }),
    ...(execute.denied.length > 0 && {
      execute: rulesOf(execute.allowed.filter(isSafe), execute.denied),
    }),
    ...(linksToDenied.length > 0 && { linksToDenied }),
  };
}

/**
 * Of the machine's own places that a set denies only those that are there: around each denied place a directory is listed, and what
 * comes into being there later cannot be read. In the home what is made later is denied too.
 */
function isThere({ place, isOfMachine }: Found): boolean {
  if (isOfMachine !== true || place.kind === 'pattern') return true;
  return syscallMemory2(X86_64.faccessat, AT_FDCWD, terminated(place.path), F_OK, 0, 0) !== -Errno.ENOENT;
}

interface Both {
  readonly allowed: readonly Found[];
  readonly denied: readonly Found[];
}

/** Who names a place himself means it, whatever a set says of the same place. */
function without({ allowed, denied }: Both): Both {
  return { allowed: notNamedIn(denied, allowed), denied: notNamedIn(allowed, denied) };
}

function notNamedIn(others: readonly Found[], found: readonly Found[]): readonly Found[] {
  const named = new Set(others.flatMap((each) => (each.isOfSet === true ? [] : [keyOf(each)])));
  return named.size === 0 ? found : found.filter((each) => each.isOfSet !== true || !named.has(keyOf(each)));
}

function keyOf({ place }: Found): string {
  const bytes = place.kind === 'path' ? literally(place.path) : formatPattern(place.pattern);
  return bytes.toString('latin1');
}

function rulesOf(allowed: readonly Found[], denied: readonly Found[]): Rule[] {
  return [
    ...allowed.map(({ place, said }): Rule => ({ effect: 'allow', place, said })),
    ...denied.map(({ place, said }): Rule => ({ effect: 'deny', place, said })),
  ];
}

function makeFiles(
  words: PolicyWords,
  own: readonly PathBytes[],
  allowed: readonly Found[],
  denied: readonly Found[],
): FilePolicy | undefined {
  if (!words.readOnly && denied.length === 0) return undefined;
  const writable = allowed.flatMap(({ place }) => (place.kind === 'path' ? [place.path] : []));
  const files = {
    writable: words.readOnly ? writable : [ROOT],
    ...(own.length > 0 && { own }),
  };
  if (denied.length === 0 && writable.length === allowed.length) return files;
  const rest = words.readOnly ? [denyAll(words)] : [];
  return { ...files, rules: [...rest, ...rulesOf(allowed, [...denied, ...denied.flatMap(linksOf)])] };
}

/** All but what others allow. */
function denyAll({ writable, own }: PolicyWords): Rule {
  const implying = writable[0]?.option.name ?? own[0]?.option.name;
  return {
    effect: 'deny',
    place: { kind: 'path', path: ROOT },
    said: implying === undefined ? '--read-only' : `--read-only, which --${implying} implies`,
  };
}

/** Without the link the way would lead elsewhere the next time; and who looks where it leads (realpath(3)) reads it. */
function linksOf({ given, said, links }: Found): Found[] {
  return links.map((path) => ({
    given,
    place: { kind: 'path', path },
    links: [],
    said: `${said}, to which the link leads`,
  }));
}

function placesOf(given: Assignment, { sets, ways, environment }: Known): Found[] {
  if (setNamed(given.text) !== undefined) {
    const set = saidFor(given);
    return sets
      .placesOf(given)
      .map((found) => ({ given, ...found, said: `${set} (${saidOf(found)})`, isOfSet: true }));
  }
  return reading(given, () => {
    const text = expandPlace(given.text, environment);
    const base = baseOf(given);
    const found = resolvePlace(text, base, ways);
    // As ever: a misspelt directory is noticed.
    if (given.option.name === 'write-allow' && !isPattern(text))
      resolvePath(toBytes(unquotePlace(text)), base);
    return [{ given, ...found, said: saidFor(given) }];
  });
}

/** As on the command line, wherever it was said. */
function saidFor({ option, text, origin }: Assignment): string {
  const place = origin.kind === 'config-file' ? ` in ${escapeBytes(origin.file)}:${origin.line}` : '';
  return `--${option.name}=${printable(text)}${place}`;
}

/** Who denies something expects that something is denied. */
function refuseEmpty(given: Assignment, found: readonly Found[]): readonly Found[] {
  if (found.length > 0) return found;
  return reading(given, () => {
    throw new ValueError('restricts nothing', { hint: 'no line of this set names a place on this machine' });
  });
}

/** Landlock decides about executing, and it knows no patterns. */
function refusePattern({ given, place, said }: Found): void {
  if (place.kind === 'path') return;
  reading(given, () => {
    const problem = setNamed(given.text) === undefined ? 'is a pattern' : `holds a pattern, as in ${said}`;
    throw new ValueError(problem, { hint: 'what may be executed is said by paths and sets of paths' });
  });
}
