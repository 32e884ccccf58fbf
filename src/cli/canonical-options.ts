/** Settings as the words of a command line that mean the same from any directory, and without the config files. */
import type { OptionName } from '../options/option-table.ts';
import { type FilePolicy, type Policy, ROOT } from '../policy/policy.ts';
import { formatPattern, literally } from '../rules/format-pattern.ts';
import type { Rule, RulePlace } from '../rules/rule.ts';
import type { Assignment } from './assignments.ts';
import { toBytes } from './byte-string.ts';
import { givenPath, givenUnixSocket } from './given-path.ts';
import type { PolicyWords, Settings } from './settings.ts';

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
    ...(isOnlyReadOnly(words, policy) ? ['--read-only'] : []),
    ...changes(words, files),
    ...(policy.read ?? []).map((rule) => ruleOption('read', rule)),
    ...(policy.execute ?? []).map((rule) => ruleOption('exec', rule)),
    ...words.own.map((given) => valued('write-own', givenPath(given))),
    ...(words.ownTemporary ? ['--own-tmp'] : []),
    ...networkOptions(words),
    ...words.unixSockets.map(unixSocket),
    ...(verbose ? ['--verbose'] : []),
    ...(quiet ? ['--quiet'] : []),
  ].map((word) => Buffer.from(word));
}

/** No other option implies it. */
function isOnlyReadOnly({ readOnly }: PolicyWords, { files }: Policy): boolean {
  const isAllowing = files?.rules?.some(({ effect }) => effect === 'allow') === true;
  return readOnly && files?.writable.length === 0 && files.own === undefined && !isAllowing;
}

function changes({ readOnly }: PolicyWords, files: FilePolicy | undefined): Buffer[] {
  const { writable = [], rules } = files ?? {};
  if (rules === undefined) return writable.map((path) => placeOption('write-allow', { kind: 'path', path }));
  // What read-only means is there already.
  const isImplied = ({ effect, place }: Rule): boolean =>
    readOnly && effect === 'deny' && place.kind === 'path' && place.path.equals(ROOT);
  return rules.filter((rule) => !isImplied(rule)).map((rule) => ruleOption('write', rule));
}

function ruleOption(access: 'read' | 'write' | 'exec', { effect, place }: Rule): Buffer {
  return placeOption(`${access}-${effect}`, place);
}

/** A dollar sign has a meaning in words, and none in the rules. */
function placeOption(option: OptionName, place: RulePlace): Buffer {
  const text = place.kind === 'path' ? literally(place.path) : formatPattern(place.pattern);
  return valued(option, toBytes(text.toString('latin1').replaceAll('$', String.raw`\$`)));
}

function networkOptions({
  network,
  networks,
  ports,
  destinations,
  listen,
  resolvers,
}: Settings['policy']): (string | Buffer)[] {
  const { hosts, deniedHosts, deniedNetworks, deniedPorts } = destinations;
  const taken = listen.map(({ text }) => valued('allowed-listen', toBytes(text)));
  const lists = [
    ...networks.map(({ text }) => valued('allowed-netmasks', toBytes(text))),
    ...ports.map(({ text }) => valued('allowed-ports', toBytes(text))),
    ...hosts.map(({ text }) => valued('allowed-hosts', toBytes(text))),
    ...deniedHosts.map(({ text }) => valued('denied-hosts', toBytes(text))),
    ...deniedNetworks.map(({ text }) => valued('denied-netmasks', toBytes(text))),
    ...deniedPorts.map(({ text }) => valued('denied-ports', toBytes(text))),
  ];
  switch (network) {
    case 'open':
      return [];
    case 'families':
      return ['--mainstream-network-families', ...taken];
    case 'none':
      return ['--no-outbound-network', ...lists, ...taken];
    case 'listed':
      return [...lists, ...(resolvers ? ['--allow-resolv'] : []), ...taken];
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
