/** What was learned, as a config file that --config reads. */
import { formatAddress, formatNetwork } from '../policy/address-text.ts';
import type { Endpoint, PathBytes } from '../policy/policy.ts';
import { escapeBytes } from '../report/escape.ts';
import type { CountedEndpoint, Lessons } from '../report/learn/lessons.ts';
import { networksOf, placesOf, portsText } from '../report/learn/places.ts';
import { sensitivity } from '../report/sensitive.ts';
import { quotePath } from './expand-path.ts';
import { VERSION } from './version.ts';

export interface LearnedOptions {
  readonly command: readonly Buffer[];
  readonly home: string | undefined;
  readonly resolvers: readonly Endpoint[];
  /** Writable under every policy. */
  readonly isDevice: (path: PathBytes) => boolean;
  /** A path that a policy may name in the place of one whose directory is gone. */
  readonly existing: (path: PathBytes) => PathBytes;
}

/** The bytes of the file. Comments say what was seen, and how often. */
export function learnedConfig(lessons: Lessons, options: LearnedOptions): Buffer {
  const lines = [
    `# Learned by secfilt ${VERSION} from one run of: ${options.command.map(escapeBytes).join(' ')}`,
    '# It allows what this run did. Read it before you rely on it; lines that are commented out are for you to decide.',
    ...(lessons.lost > 0 ? [`# Incomplete: ${lessons.lost} calls were of too many kinds to be noted.`] : []),
    ...(lessons.refused > 0 ? [`# ${times(lessons.refused)} a call was refused that no option allows.`] : []),
    '',
    ...fileLines(lessons, options),
    '',
    ...networkLines(lessons.endpoints, options),
    ...socketLines(lessons),
    '',
  ];
  return Buffer.from(lines.join('\n'), 'latin1');
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function fileLines(lessons: Lessons, { home, isDevice, existing }: LearnedOptions): string[] {
  const seen = lessons.paths
    .filter(({ path }) => !isDevice(path))
    .map(({ path, count }) => ({ path: existing(path), count }));
  const lines = ['# Files', 'read-only=1'];
  for (const { path, count, warning } of placesOf(seen, home)) {
    const quoted = quotePath(path.toString('latin1'));
    if (quoted === undefined) {
      lines.push(`# changed ${times(count)}, but a line cannot spell it: ${escapeBytes(path)}`);
    } else if (warning === undefined) lines.push(`# changed ${times(count)}`, `write-allow=${quoted}`);
    else lines.push(`# WARNING: ${warning}; changed ${times(count)}`, `#write-allow=${quoted}`);
  }
  return lines;
}

function networkLines(endpoints: readonly CountedEndpoint[], { resolvers }: LearnedOptions): string[] {
  const isResolver = ({ address, port }: CountedEndpoint): boolean =>
    resolvers.some((one) => one.port === port && Buffer.compare(one.address, address) === 0);
  const warned = endpoints.filter((endpoint) => warningOf(endpoint) !== undefined);
  const others = endpoints.filter((endpoint) => !isResolver(endpoint) && warningOf(endpoint) === undefined);
  const lines = ['# Network'];
  for (const { address, port, protocol, count } of others)
    lines.push(`# ${formatAddress(address)} port ${port} ${protocol}, ${times(count)}`);
  const networks = networksOf(others.map(({ address }) => address)).map(formatNetwork);
  // An echo request has no port, so a list of ports would refuse it.
  const hasPorts = others.every(({ protocol }) => protocol === 'tcp' || protocol === 'udp');
  if (networks.length > 0) lines.push(`allowed-netmasks=${networks.join(',')}`);
  if (networks.length > 0 && hasPorts)
    lines.push(`allowed-ports=${portsText(others.map(({ port }) => port)).join(',')}`);
  if (endpoints.some(isResolver)) lines.push('allow-resolv=1');
  if (lines.length === 1) lines.push('# no connection was seen', 'no-outbound-network=1');
  for (const endpoint of warned) {
    lines.push(`# WARNING: ${warningOf(endpoint) ?? ''}; ${times(endpoint.count)}`);
    lines.push(`#allowed-netmasks=${formatAddress(endpoint.address)}`);
  }
  return lines;
}

function warningOf({ address, port, protocol }: CountedEndpoint): string | undefined {
  return sensitivity({ kind: 'address', address, port, protocol }, undefined);
}

/** Whoever listens at a socket outside may do what the command may not: a person has to say so. */
function socketLines(lessons: Lessons): string[] {
  const lines = lessons.sockets.flatMap(({ kind, name, count }) => {
    const object = kind === 'unix-path' ? { kind, path: name } : { kind, name };
    const warning = sensitivity(object, undefined) ?? 'another program may listen there';
    const quoted = name.includes(0) ? undefined : quotePath(name.toString('latin1'));
    if (quoted === undefined)
      return [`# connected ${times(count)}, but a line cannot spell it: ${escapeBytes(name)}`];
    const at = kind === 'unix-abstract' ? '@' : '';
    return [`# WARNING: ${warning}; connected ${times(count)}`, `#allow-unix=${at}${quoted}`];
  });
  return lines.length === 0 ? [] : ['', '# Unix sockets', ...lines];
}
