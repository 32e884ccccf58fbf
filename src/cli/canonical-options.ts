/** Settings as the words of a command line that mean the same from any directory, and without the config files. */
import type { Policy } from '../policy/policy.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { givenPath, givenUnixSocket } from './given-path.ts';
import type { Settings } from './settings.ts';

/**
 * @param policy what the settings came to
 */
export function canonicalOptions(
  { policy: words, engine, verbose, quiet }: Settings,
  policy: Policy,
): Buffer[] {
  const { files } = policy;
  return [
    ...(engine === 'auto' ? [] : [`--engine=${engine}`]),
    ...(words.readOnly && files?.writable.length === 0 && files.own === undefined ? ['--read-only'] : []),
    ...(files?.writable ?? []).map((path) => valued('write-allow', path)),
    ...words.own.map((given) => valued('write-own', givenPath(given))),
    ...(words.ownTemporary ? ['--own-tmp'] : []),
    ...networkOptions(words),
    ...words.unixSockets.map(unixSocket),
    ...(verbose ? ['--verbose'] : []),
    ...(quiet ? ['--quiet'] : []),
  ].map((word) => Buffer.from(word));
}

function networkOptions({ network, networks, ports, resolvers }: Settings['policy']): (string | Buffer)[] {
  const lists = [
    ...networks.map(({ text }) => valued('allowed-netmasks', toBytes(text))),
    ...ports.map(({ text }) => valued('allowed-ports', toBytes(text))),
  ];
  switch (network) {
    case 'open':
      return [];
    case 'families':
      return ['--mainstream-network-families'];
    case 'none':
      return ['--no-outbound-network', ...lists];
    case 'listed':
      return [...lists, ...(resolvers ? ['--allow-resolv'] : [])];
  }
}

function unixSocket(given: Assignment): Buffer {
  const name = givenUnixSocket(given);
  return valued(
    'allow-unix',
    name.kind === 'path' ? name.path : Buffer.concat([Buffer.from('@'), name.name]),
  );
}

/** A comma that belongs to the value has a backslash before it. */
function valued(option: string, value: Buffer): Buffer {
  return Buffer.from(`--${option}=${value.toString('latin1').replaceAll(',', String.raw`\,`)}`, 'latin1');
}
