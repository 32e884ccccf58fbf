/** The words of the settings, turned into a policy: paths looked up, networks and resolvers read. */
import {
  changeableTrees,
  TEMPORARY,
  type FilePolicy,
  type PathBytes,
  type Policy,
  type UnixSocketName,
} from '../policy/policy.ts';
import { forgetDirectories, resolvePath } from '../policy/paths.ts';
import type { Assignment } from './assignments.ts';
import { givenPath, givenUnixSocket, linksTo, refuserOfLinks } from './given-path.ts';
import { makeListenPolicy, makeNetworkPolicy } from './make-network.ts';
import { placesEnvironment } from './places-environment.ts';
import type { PolicyWords } from './settings.ts';

/** Throws a UsageError that names the word at fault. */
export async function makePolicy(words: PolicyWords): Promise<Policy> {
  forgetDirectories();
  const own = words.readOnly ? ownDirectories(words) : [];
  const places = isPlain(words)
    ? { files: makeFilePolicy(words, own) }
    : (await import('./make-rules.ts')).makeRules(words, own, placesEnvironment());
  const { files } = places;
  const refuseLinks = refuserOfLinks(changeableTrees(files));
  for (const given of words.readOnly ? words.own : []) refuseLinks(given, linksTo(given, givenPath(given)));
  return {
    ...places,
    network: await makeNetworkPolicy(words),
    ...(await makeListenPolicy(words)),
    unixSockets: words.unixSockets.map((given) => makeUnixSocket(given, files)),
  };
}

/** Signs that make more of a word than a path. */
const SIGN_PATTERN = /[\\*?[$~@]/;

/** True where paths that may be changed are all that is said about places: long lists of them are read without much ado. */
function isPlain(words: PolicyWords): boolean {
  const { writable, writeDenied, readAllowed, readDenied, execAllowed, execDenied, sets } = words;
  const others = [writeDenied, readAllowed, readDenied, execAllowed, execDenied, sets];
  return others.every(({ length }) => length === 0) && !writable.some(({ text }) => SIGN_PATTERN.test(text));
}

function makeFilePolicy(
  { readOnly, writable }: PolicyWords,
  own: readonly PathBytes[],
): FilePolicy | undefined {
  if (!readOnly) return undefined;
  const paths = writable.map((given) => ({ given, path: givenPath(given) }));
  const files = { writable: paths.map(({ path }) => path), ...(own.length > 0 && { own }) };
  const refuseLinks = refuserOfLinks(changeableTrees(files));
  for (const { given, path } of paths) refuseLinks(given, linksTo(given, path));
  return files;
}

function ownDirectories({ own, ownTemporary }: PolicyWords): PathBytes[] {
  return [...own.map(givenPath), ...(ownTemporary ? TEMPORARY.map((path) => resolvePath(path)) : [])];
}

function makeUnixSocket(given: Assignment, files: FilePolicy | undefined): UnixSocketName {
  const name = givenUnixSocket(given);
  if (name.kind === 'path') refuserOfLinks(changeableTrees(files))(given, linksTo(given, name.path));
  return name;
}
