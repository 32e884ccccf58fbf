/** What was learned, as a config file that --config reads. */
import { formatAddress, formatNetwork } from '../policy/address-text.ts';
import { parseHostName } from '../policy/host-name.ts';
import type { Endpoint, PathBytes } from '../policy/policy.ts';
import { isPseudoTerminal } from '../report/advice.ts';
import { escapeBytes } from '../report/escape.ts';
import { hostsOf, zonesOf, type NamedNetworks } from '../report/learn/hosts.ts';
import type { CountedEndpoint, CountedName, Lessons } from '../report/learn/lessons.ts';
import { networksOf, type Place, placesOf, portsText } from '../report/learn/places.ts';
import { ValueError } from '../policy/value-error.ts';
import { type Homes, secrecy, type Secrets, sensitivity } from '../report/sensitive.ts';
import { ConfigText } from './config-text.ts';
import { quotePathAsPlace, quoteValue } from './expand-path.ts';
import { VERSION } from './version.ts';

export interface LearnedOptions {
  readonly command: readonly Buffer[];
  readonly homes: Homes;
  readonly resolvers: readonly Endpoint[];
  /** Sets of networks that a host's name may point into. */
  readonly sets: NamedNetworks;
  /** Why it was not seen which names were looked up. */
  readonly namesUnseen?: string | undefined;
  /** Writable under every policy. */
  readonly isDevice: (path: PathBytes) => boolean;
  /** A path that a policy may name in the place of one whose directory is gone. */
  readonly existing: (path: PathBytes) => PathBytes;
  /** False where a policy that names the path would mean something else by now, for a symbolic link. */
  readonly isItself: (path: PathBytes) => boolean;
  /** Where what is read was watched. */
  readonly reading?: LearnedReading | undefined;
}

export interface LearnedReading {
  /** The working directory as the file names it; undefined: nothing is said of it as a whole. */
  readonly here: Buffer | undefined;
  readonly secrets: Secrets;
}

/** The bytes of the file. Comments say what was seen, and how often. */
export function learnedConfig(lessons: Lessons, options: LearnedOptions): Buffer {
  const text = new ConfigText();
  text.comment(
    `Learned by secfilt ${VERSION} from one run of: ${options.command.map(escapeBytes).join(' ')}`,
  );
  text.comment(
    'It allows what this run did. Read it before you rely on it; lines that are commented out are for you to decide.',
  );
  if (lessons.lost > 0) text.comment(`Incomplete: ${lessons.lost} calls were of too many kinds to be noted.`);
  if (lessons.refused > 0)
    text.comment(`${times(lessons.refused)} a call was refused that no option allows.`);
  addFiles(text.blank(), lessons, options);
  if (options.reading) addReading(text.blank(), lessons, options, options.reading);
  addNetwork(text.blank(), lessons, options);
  if (lessons.otherFamilies > 0)
    text.comment(
      `WARNING: ${times(lessons.otherFamilies)} a socket of another family or protocol was used, which every restriction of the network refuses`,
    );
  addSockets(text, lessons);
  return text.toBytes();
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function addFiles(text: ConfigText, lessons: Lessons, options: LearnedOptions): void {
  const { homes, isDevice, existing, isItself } = options;
  text.comment('Files').setting('read-only', '1');
  const others = lessons.paths.filter(({ path }) => !isDevice(path) && isPseudoTerminal(path));
  if (others.length > 0)
    text.comment(`Terminals of others were changed, which have another number each time: ${others.length}`);
  const ofProcesses = lessons.paths.filter(({ path }) => isOfProcess(path));
  if (ofProcesses.length > 0)
    text.comment(`Processes were set up by /proc, where each has another number: ${ofProcesses.length}`);
  const seen = lessons.paths
    .filter(({ path }) => !isDevice(path) && !isPseudoTerminal(path) && !isOfProcess(path))
    // What was seen decides, also where it is gone by now and a directory above stands for it.
    .map((item) => ({
      ...item,
      path: existing(item.path),
      warning: sensitivity({ kind: 'path', path: item.path }, homes),
    }));
  if (lessons.ownTemporary > 0)
    text.setting(
      'own-tmp',
      '1',
      `made in /tmp or /var/tmp, or changed after it was made there, ${times(lessons.ownTemporary)}`,
    );
  for (const place of placesOf(seen, homes)) {
    const moved = isItself(place.path) ? undefined : 'by now a symbolic link leads elsewhere';
    addPlace(text, { ...place, warning: place.warning ?? moved });
  }
}

const OF_PROCESS_PATTERN = /^\/proc\/\d+(?:\/|$)/;

/** A process does what is its own business under every policy. */
function isOfProcess(path: PathBytes): boolean {
  return OF_PROCESS_PATTERN.test(path.toString('latin1'));
}

function addPlace(text: ConfigText, { path, count, warning, openedBy }: Place): void {
  const quoted = quotePathAsPlace(path);
  const changed = `changed ${times(count)}`;
  if (openedBy !== undefined) {
    const where = `${escapeBytes(path)}, which ${escapeBytes(openedBy)} opens too`;
    text.comment(`WARNING: ${warning ?? ''}; ${changed}: ${where}`);
  } else if (quoted === undefined) {
    text.comment(`${changed}, but a line cannot spell it: ${escapeBytes(path)}`);
  } else if (warning === undefined) {
    text.setting('write-allow', quoted, changed);
  } else text.suggestion('write-allow', quoted, `WARNING: ${warning}; ${changed}`);
}

/** What is changed is read as well, sooner or later, and is open to more than readers. */
function addReading(
  text: ConfigText,
  lessons: Lessons,
  { homes, isItself, isDevice }: LearnedOptions,
  { here, secrets }: LearnedReading,
): void {
  const { system, here: inside } = lessons.readsIn;
  text.comment('Reading').setting('read-deny', '/');
  text.setting('read-allow', '@system', `what programs need to run, read ${times(system)}`);
  if (here !== undefined && inside > 0)
    text.setting('read-allow', here, `the working directory, read ${times(inside)}`);
  const sensitive = (path: PathBytes): string | undefined => secrecy(path, homes, secrets);
  const others = lessons.reads.filter(({ path }) => !isPseudoTerminal(path) && !isDevice(path));
  for (const { path, count, warning, openedBy } of placesOf(others, homes, sensitive)) {
    const quoted = quotePathAsPlace(path);
    const read = `read ${times(count)}`;
    const why = warning ?? (isItself(path) ? undefined : 'by now a symbolic link leads elsewhere');
    if (openedBy !== undefined)
      text.comment(
        `WARNING: ${why ?? ''}; ${read}: ${escapeBytes(path)}, which ${escapeBytes(openedBy)} opens too`,
      );
    else if (quoted === undefined) text.comment(`${read}, but a line cannot spell it: ${escapeBytes(path)}`);
    else if (why === undefined) text.setting('read-allow', quoted, read);
    else text.suggestion('read-allow', quoted, `WARNING: ${why}; ${read}`);
  }
}

/** Addresses and ports are lists of their own in a policy: it allows each of the ports at each of the addresses. */
function addNetwork(
  text: ConfigText,
  { endpoints, names }: Lessons,
  { resolvers, sets, namesUnseen }: LearnedOptions,
): void {
  const spelt = names.filter(({ name }) => isSpelt(name));
  const isNamed = (endpoint: CountedEndpoint): boolean =>
    endpoint.names.some((name) => spelt.some((one) => one.name === name));
  const isResolver = ({ address, port }: CountedEndpoint): boolean =>
    resolvers.some((one) => one.port === port && Buffer.compare(one.address, address) === 0);
  const warned = endpoints.filter((endpoint) => warningOf(endpoint) !== undefined);
  const ordinary = endpoints.filter((endpoint) => !isResolver(endpoint) && warningOf(endpoint) === undefined);
  const others = ordinary.filter((endpoint) => !isNamed(endpoint));
  const withPort = others.filter(hasPort);
  // Without ports in the policy an address is open on all of them.
  const [listed, portless] =
    withPort.length > 0
      ? [others.filter((one) => hasPort(one) || one.isQuestion), others.filter((one) => !isPortable(one))]
      : [others, []];
  text.comment('Network');
  if (namesUnseen !== undefined) text.comment(`names of hosts were not seen: ${namesUnseen}`);
  const reached = ordinary.filter((endpoint) => isNamed(endpoint) && !endpoint.isQuestion);
  const hasHosts = addHosts(text, spelt, reached, sets);
  for (const { address, port, protocol, count } of listed)
    text.comment(`${formatAddress(address)} port ${port} ${protocol}, ${times(count)}`);
  const networks = networksOf(listed.map(({ address }) => address)).map(formatNetwork);
  if (networks.length > 0) text.setting('allowed-netmasks', networks.join(','));
  if (withPort.length > 0)
    text.setting('allowed-ports', portsText(withPort.map(({ port }) => port)).join(','));
  else if (networks.length > 0) text.comment('no list of ports, for it would refuse what has none');
  if (hasHosts) text.comment('the resolver is asked for these names alone');
  else if (endpoints.some(isResolver)) text.setting('allow-resolv', '1');
  else if (networks.length === 0) text.setting('no-outbound-network', '1', 'no other connection was seen');
  for (const { address, protocol, count } of portless)
    text.suggestion(
      'allowed-netmasks',
      formatAddress(address),
      `WARNING: ${protocol} has no port, and a list of ports refuses it; ${times(count)}`,
    );
  for (const endpoint of warned)
    text.suggestion(
      'allowed-netmasks',
      formatAddress(endpoint.address),
      `WARNING: ${warningOf(endpoint) ?? ''}; ${times(endpoint.count)}`,
    );
}

/** @returns whether any name is allowed */
function addHosts(
  text: ConfigText,
  names: readonly CountedName[],
  reached: readonly CountedEndpoint[],
  sets: NamedNetworks,
): boolean {
  const hosts = hostsOf(names, reached, sets);
  for (const { name, word, count, isOnlyLookedUp, portless } of hosts) {
    const how = isOnlyLookedUp ? 'looked up only, which a port that nobody serves is enough for' : 'reached';
    text.setting('allowed-hosts', word, `${how}, ${times(count)}`);
    if (portless.length > 0)
      text.suggestion(
        'allowed-hosts',
        name,
        `WARNING: ${portless.join(', ')} has no port; this opens all of them`,
      );
  }
  for (const zone of zonesOf(hosts, reached))
    text.suggestion('allowed-hosts', zone, 'many names of one zone; this allows all that there are');
  return hosts.length > 0;
}

/** What a resolver says may be anything. */
function isSpelt(name: string): boolean {
  try {
    const { labels, zone } = parseHostName(name);
    return !zone && labels.join('.') === name;
  } catch (error) {
    if (error instanceof ValueError) return false;
    throw error;
  }
}

/** Who connects a UDP socket to learn its own address sends nothing, and every allowed port does (reach.ts). */
function hasPort(endpoint: CountedEndpoint): boolean {
  return isPortable(endpoint) && endpoint.port !== 0 && !endpoint.isQuestion;
}

function isPortable({ protocol }: CountedEndpoint): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

function warningOf({ address, port, protocol }: CountedEndpoint): string | undefined {
  return sensitivity({ kind: 'address', address, port, protocol }, []);
}

/** Whoever listens at a socket outside may do what the command may not: a person has to say so. */
function addSockets(text: ConfigText, { sockets }: Lessons): void {
  if (sockets.length > 0) text.blank().comment('Unix sockets');
  for (const { kind, name, count } of sockets) {
    const object = kind === 'unix-path' ? { kind, path: name } : { kind, name };
    const warning = sensitivity(object, []) ?? 'another program may listen there';
    const full = kind === 'unix-abstract' ? Buffer.concat([Buffer.from('@'), name]) : name;
    const quoted = name.includes(0) ? undefined : quoteValue(full);
    if (quoted === undefined)
      text.comment(`connected ${times(count)}, but a line cannot spell it: ${escapeBytes(name)}`);
    else text.suggestion('allow-unix', quoted, `WARNING: ${warning}; connected ${times(count)}`);
  }
}
