/**
 * The options, in one table: the command line, config files, the help text and shell completions are all made from it.
 * A new option is a row here, and a line where its value is used.
 */

export type OptionKind =
  /** Bare means true; `=1`, `=no` and the like say it aloud. With choices, each of them is another way of true. */
  | 'boolean'
  /** Lists, separated by commas; `\,` is a comma that belongs to the item. */
  | 'path-list'
  /** Paths, patterns and `@sets` (policy/place-text.ts). */
  | 'place-list'
  | 'unix-socket-list'
  | 'netmask-list'
  | 'port-list'
  /** Names of hosts, networks and `@sets` of them, with ports and a protocol (policy/destination-words.ts). */
  | 'host-list'
  /** Ports, and addresses with ports, or the one word `none` (policy/listen-words.ts). */
  | 'listen-list'
  /** One word, taken whole. */
  | 'file'
  | 'access'
  /** The same, which may be left out: the usual place is meant then. */
  | 'optional-file'
  | 'choice';

export interface OptionSpec {
  /** Without the leading dashes; also the key in a config file. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly short?: string;
  readonly kind: OptionKind;
  /** How the value is called in the help text. */
  readonly placeholder?: string;
  /** What a `choice` may be, and a `boolean` besides. */
  readonly choices?: readonly string[];
  /** Of a `boolean`: every other value names a file, and means true as well. */
  readonly namesFile?: true;
  /** Given again, values add up; otherwise the last one counts. */
  readonly repeatable: boolean;
  readonly inConfig: boolean;
  /** One line. Those of the group `about` share lines in the help text and have none. */
  readonly help: string;
  readonly group: 'files' | 'network' | 'running' | 'about';
  /** In the help text it shares a line too. */
  readonly sharesLine?: true;
}

export const ENGINES = ['auto', 'notify', 'trace', 'kernel'] as const;

export const OPTIONS = [
  {
    name: 'read-only',
    aliases: [],
    kind: 'boolean',
    placeholder: 'BOOL',
    repeatable: false,
    inConfig: true,
    help: 'refuse every change to the file system',
    group: 'files',
  },
  {
    name: 'write-allow',
    aliases: ['allow-write'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'read-only, but for PATH and what is below it',
    group: 'files',
  },
  {
    name: 'write-deny',
    aliases: ['deny-write'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'no change at PATH: also a pattern, or a @set',
    group: 'files',
  },
  {
    name: 'write-own',
    aliases: ['allow-write-own'],
    kind: 'path-list',
    placeholder: 'DIR',
    repeatable: true,
    inConfig: true,
    help: 'read-only, but for what it makes itself in DIR',
    group: 'files',
    sharesLine: true,
  },
  {
    name: 'own-tmp',
    aliases: [],
    kind: 'boolean',
    placeholder: 'BOOL',
    repeatable: false,
    inConfig: true,
    help: '--write-own of /tmp and /var/tmp',
    group: 'files',
    sharesLine: true,
  },
  {
    name: 'read-deny',
    aliases: ['deny-read'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'nothing at PATH or below is opened for reading',
    group: 'files',
  },
  {
    name: 'read-allow',
    aliases: ['allow-read'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'but it is at PATH, within what --read-deny names',
    group: 'files',
    sharesLine: true,
  },
  {
    name: 'exec-allow',
    aliases: ['allow-run'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'but it is at PATH, within what --exec-deny names',
    group: 'files',
    sharesLine: true,
  },
  {
    name: 'exec-deny',
    aliases: ['deny-run'],
    kind: 'place-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'nothing at PATH or below is executed',
    group: 'files',
    sharesLine: true,
  },
  {
    name: 'no-outbound-network',
    aliases: [],
    kind: 'boolean',
    placeholder: 'BOOL',
    repeatable: false,
    inConfig: true,
    help: 'refuse every outbound connection and datagram',
    group: 'network',
  },
  {
    name: 'allowed-netmasks',
    aliases: ['allowed-netmask'],
    kind: 'netmask-list',
    placeholder: 'CIDR',
    repeatable: true,
    inConfig: true,
    help: 'outbound only to these networks or addresses',
    group: 'network',
  },
  {
    name: 'allowed-ports',
    aliases: ['allowed-port'],
    kind: 'port-list',
    placeholder: 'PORT',
    repeatable: true,
    inConfig: true,
    help: 'outbound only to these ports (443, 8000-8010)',
    group: 'network',
  },
  {
    name: 'allowed-hosts',
    aliases: ['allowed-host', 'allow-net'],
    kind: 'host-list',
    placeholder: 'HOST',
    repeatable: true,
    inConfig: true,
    help: 'outbound only to these (name, *.zone:port)',
    group: 'network',
  },
  {
    name: 'denied-hosts',
    aliases: ['denied-host', 'deny-net'],
    kind: 'host-list',
    placeholder: 'HOST',
    repeatable: true,
    inConfig: true,
    help: 'but not to these hosts, by name or address',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'denied-netmasks',
    aliases: ['denied-netmask'],
    kind: 'netmask-list',
    placeholder: 'CIDR',
    repeatable: true,
    inConfig: true,
    help: 'not to these networks: @private, @loopback, @metadata',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'denied-ports',
    aliases: ['denied-port'],
    kind: 'port-list',
    placeholder: 'PORT',
    repeatable: true,
    inConfig: true,
    help: 'not to these ports',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'allowed-listen',
    aliases: ['allow-listen'],
    kind: 'listen-list',
    placeholder: 'PORT|none',
    repeatable: true,
    inConfig: true,
    help: 'take connections at these ports only, or at none',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'allow-resolv',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: true,
    help: 'also to the resolvers of /etc/resolv.conf',
    group: 'network',
  },
  {
    name: 'mainstream-network-families',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: true,
    help: 'only IPv4, IPv6, Unix and netlink sockets',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'allow-unix',
    aliases: [],
    kind: 'unix-socket-list',
    placeholder: 'PATH',
    repeatable: true,
    inConfig: true,
    help: 'also to these Unix sockets (@name: abstract)',
    group: 'network',
    sharesLine: true,
  },
  {
    name: 'config',
    aliases: [],
    short: 'c',
    kind: 'file',
    placeholder: 'FILE',
    repeatable: true,
    inConfig: false,
    help: 'read options from FILE, one name=value a line',
    group: 'running',
  },
  {
    name: 'learn',
    aliases: [],
    kind: 'file',
    placeholder: 'FILE',
    repeatable: false,
    inConfig: false,
    help: 'restrict nothing; write to FILE what it takes',
    group: 'running',
  },
  {
    name: 'engine',
    aliases: [],
    kind: 'choice',
    choices: ENGINES,
    placeholder: 'NAME',
    repeatable: false,
    inConfig: true,
    help: 'auto, notify, trace or kernel',
    group: 'running',
    sharesLine: true,
  },
  {
    name: 'log',
    aliases: [],
    kind: 'file',
    placeholder: 'FILE',
    repeatable: false,
    inConfig: true,
    help: 'a line of JSON a refusal; also: an fd, or -',
    group: 'running',
    sharesLine: true,
  },
  {
    name: 'verbose',
    aliases: [],
    short: 'v',
    kind: 'boolean',
    repeatable: false,
    inConfig: true,
    help: 'tell of refusals as they happen; log all',
    group: 'running',
  },
  {
    name: 'ask',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'ask at the terminal about what no option allows',
    group: 'running',
  },
  {
    name: 'quiet',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: true,
    help: 'no word about what was refused',
    group: 'running',
    sharesLine: true,
  },
  {
    name: 'serve',
    aliases: [],
    kind: 'optional-file',
    placeholder: 'SOCKET',
    repeatable: false,
    inConfig: false,
    help: 'run no command: be the supervisor of all that come to SOCKET',
    group: 'about',
  },
  {
    name: 'status',
    aliases: [],
    kind: 'optional-file',
    placeholder: 'SOCKET',
    repeatable: false,
    inConfig: false,
    help: 'show the sandboxes of the service at SOCKET',
    group: 'about',
  },
  {
    name: 'compile',
    aliases: [],
    kind: 'file',
    placeholder: 'FILE',
    repeatable: false,
    inConfig: false,
    help: 'run nothing; make an executable of the other options and the command',
    group: 'about',
  },
  {
    name: 'probe',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'show what this machine can do, and which engine it takes',
    group: 'about',
  },
  {
    name: 'list-calls',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'show what becomes of every system call under the other options',
    group: 'about',
  },
  {
    name: 'explain',
    aliases: [],
    kind: 'boolean',
    choices: ['filter'],
    namesFile: true,
    placeholder: 'filter|FILE',
    repeatable: false,
    inConfig: false,
    help: 'run nothing; show which layer would hold which promise, or the compiled filter',
    group: 'about',
  },
  {
    name: 'why',
    aliases: [],
    kind: 'access',
    placeholder: 'KIND:WHAT',
    repeatable: true,
    inConfig: false,
    help: 'run nothing; show which rule decides about one access (read:PATH, write:PATH, exec:PATH, connect:HOST:PORT)',
    group: 'about',
  },
  {
    name: 'json',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'with --probe, --list-calls, --explain, --why and --status: as JSON',
    group: 'about',
  },
  {
    name: 'help',
    aliases: [],
    short: 'h',
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'show this text',
    group: 'about',
  },
  {
    name: 'version',
    aliases: [],
    kind: 'boolean',
    repeatable: false,
    inConfig: false,
    help: 'show the version',
    group: 'about',
  },
] as const satisfies readonly OptionSpec[];

type Row = (typeof OPTIONS)[number];
export type OptionName = Row['name'];
export type BooleanOptionName = Extract<Row, { kind: 'boolean' }>['name'];
export type ValuedOptionName = Exclude<OptionName, BooleanOptionName>;
export type Engine = (typeof ENGINES)[number];

/** An option as the rest of the command line sees it: a row whose name is known. */
export type Option = OptionSpec & { readonly name: OptionName };

const BY_NAME: ReadonlyMap<string, Option> = new Map(
  OPTIONS.flatMap((option: Option) => [option.name, ...option.aliases].map((name) => [name, option])),
);

/** The option of a name or an alias, without dashes. */
export function findOption(name: string): Option | undefined {
  return BY_NAME.get(name);
}

/** All names and aliases. */
export function optionNames(): string[] {
  return [...BY_NAME.keys()];
}

/** True where a value holds several items. */
export function isList(option: OptionSpec): boolean {
  return option.kind.endsWith('-list');
}
