/** The words of the settings, turned into a policy: paths looked up, networks and resolvers read. */
import {
  changeableTrees,
  TEMPORARY,
  type Endpoint,
  type FilePolicy,
  type Network,
  type NetworkPolicy,
  type Policy,
  type UnixSocketName,
} from '../policy/policy.ts';
import { forgetDirectories, resolvePath } from '../policy/paths.ts';
import { parsePorts } from '../policy/ports.ts';
import type { Assignment } from './assignments.ts';
import { givenPath, givenUnixSocket, reading, refuserOfLinks } from './given-path.ts';
import type { PolicyWords } from './settings.ts';
import { naming } from './usage-error.ts';

/** Throws a UsageError that names the word at fault. */
export async function makePolicy(words: PolicyWords): Promise<Policy> {
  forgetDirectories();
  const files = makeFilePolicy(words);
  return {
    files,
    network: await makeNetworkPolicy(words),
    unixSockets: words.unixSockets.map((given) => makeUnixSocket(given, files)),
  };
}

function makeFilePolicy({ readOnly, writable, own, ownTemporary }: PolicyWords): FilePolicy | undefined {
  if (!readOnly) return undefined;
  const paths = writable.map((given) => ({ given, path: givenPath(given) }));
  const trees = paths.map(({ path }) => path);
  const named = own.map((given) => ({ given, path: givenPath(given) }));
  const temporary = ownTemporary ? TEMPORARY.map((path) => resolvePath(path)) : [];
  const shared = [...named.map(({ path }) => path), ...temporary];
  const files = { writable: trees, ...(shared.length > 0 && { own: shared }) };
  const refuseLinks = refuserOfLinks(changeableTrees(files));
  for (const { given, path } of [...paths, ...named]) refuseLinks(given, path);
  return files;
}

function makeUnixSocket(given: Assignment, files: FilePolicy | undefined): UnixSocketName {
  const name = givenUnixSocket(given);
  if (name.kind === 'path') refuserOfLinks(changeableTrees(files))(given, name.path);
  return name;
}

async function makeNetworkPolicy(words: PolicyWords): Promise<NetworkPolicy | undefined> {
  // Read even where --no-outbound-network makes them moot: a wrong word is an error all the same.
  const networks = await readNetworks(words.networks);
  const ports = words.ports.flatMap((given) => reading(given, () => parsePorts(given.text)));
  if (words.network === 'open') return undefined;
  if (words.network === 'families') return { kind: 'families' };
  const onlyResolvers = networks.length === 0 && ports.length === 0;
  const isListed = words.network === 'listed';
  if (!isListed && onlyResolvers) return { kind: 'none' };
  const listed = {
    kind: 'listed',
    networks: networks.length > 0 || onlyResolvers ? networks : undefined,
    ports: ports.length > 0 ? ports : undefined,
    endpoints: isListed ? await readResolvers(words.resolvers) : [],
  } as const;
  return isListed ? listed : { kind: 'none', overruled: listed };
}

async function readNetworks(given: readonly Assignment[]): Promise<Network[]> {
  if (given.length === 0) return [];
  const { parseNetwork } = await import('../policy/networks.ts');
  return given.map((word) => reading(word, () => parseNetwork(word.text)));
}

async function readResolvers(given: Assignment | undefined): Promise<Endpoint[]> {
  if (given === undefined) return [];
  const { systemResolvers } = await import('../policy/resolvers.ts');
  return naming({ option: given.spelling, origin: given.origin }, () => systemResolvers());
}
