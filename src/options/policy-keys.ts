/**
 * The keys of a policy that is written as an object: what the library takes, and what a config file in JSON holds. Each says
 * what an option says, so that there is one truth about what a policy means.
 */
import type { OptionName } from './option-table.ts';

export interface PolicyKey {
  /** Where it stands: `write.allow`. */
  readonly key: string;
  readonly option: OptionName;
  /** The word that stands at the key and switches the option on. Without one the key takes what the option takes. */
  readonly word?: string;
  /** For config files alone: of a library the host decides it by other means, which this says. */
  readonly onlyInFiles?: string;
}

export const POLICY_KEYS = [
  { key: 'readOnly', option: 'read-only' },
  { key: 'write.allow', option: 'write-allow' },
  { key: 'write.deny', option: 'write-deny' },
  { key: 'write.own', option: 'write-own' },
  { key: 'write.ownTmp', option: 'own-tmp' },
  { key: 'read.allow', option: 'read-allow' },
  { key: 'read.deny', option: 'read-deny' },
  { key: 'exec.allow', option: 'exec-allow' },
  { key: 'exec.deny', option: 'exec-deny' },
  { key: 'network', option: 'no-outbound-network', word: 'none' },
  { key: 'network', option: 'mainstream-network-families', word: 'mainstream' },
  { key: 'network.netmasks', option: 'allowed-netmasks' },
  { key: 'network.ports', option: 'allowed-ports' },
  { key: 'network.hosts', option: 'allowed-hosts' },
  { key: 'network.deniedHosts', option: 'denied-hosts' },
  { key: 'network.deniedNetmasks', option: 'denied-netmasks' },
  { key: 'network.deniedPorts', option: 'denied-ports' },
  { key: 'network.resolvers', option: 'allow-resolv' },
  { key: 'listen', option: 'allowed-listen' },
  { key: 'unixSockets', option: 'allow-unix' },
  { key: 'engine', option: 'engine' },
  { key: 'log', option: 'log', onlyInFiles: 'onRefused is told of refusals' },
  { key: 'verbose', option: 'verbose', onlyInFiles: 'onRefused is told of refusals' },
  { key: 'quiet', option: 'quiet', onlyInFiles: 'nothing is ever printed' },
] as const satisfies readonly PolicyKey[];

/** What a config file in JSON has besides: other files, which come first. */
export const INCLUDE_KEY = 'include';
/** Sets of places by their names, for others to name as `@name`. */
export const SETS_KEY = 'sets';
/** Those that come with secfilt (share/sets), which nobody defines anew. */
export const BUILT_IN_SETS = ['secrets', 'startup', 'system'] as const;
/** Names the JSON schema, for editors; it means nothing here. */
export const SCHEMA_KEY = '$schema';

/** Keys that hold others: `write`. */
export function isGroup(name: string): boolean {
  return POLICY_KEYS.some(({ key }) => key.startsWith(`${name}.`));
}

/** The key at which an option stands. */
export function keyOf(option: string): string | undefined {
  return POLICY_KEYS.find((row) => row.option === option)?.key;
}
