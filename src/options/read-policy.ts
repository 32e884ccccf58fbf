/**
 * A policy that is written as an object, read into what it says of each option. Every value is looked at once. What is not
 * understood is an error that names the key, and so is what looks like a restriction and is none: nothing is passed over.
 */
import { fileURLToPath } from 'node:url';
import { otherLanguage, quotePlace } from '../policy/place-text.ts';
import { parsePorts } from '../policy/ports.ts';
import { ValueError } from '../policy/value-error.ts';
import { KeyError } from './key-error.ts';
import { findOption, isList, type Option, type OptionName } from './option-table.ts';
import { isGroup, POLICY_KEYS, type PolicyKey, SCHEMA_KEY } from './policy-keys.ts';
import { nearestKey } from './nearest-key.ts';

/** What is said of an option. */
export interface Said {
  readonly option: OptionName;
  /** The key that says it, with the place in a list: `network.ports[1]`. */
  readonly key: string;
  /** Of a boolean what it is set to, of all others one value: the items of a list are told one by one. */
  readonly value: boolean | string;
}

/** Who wrote it: a program, or a person into a config file, which has more keys. */
export type Source = 'program' | 'file';

const ROWS: readonly PolicyKey[] = POLICY_KEYS;
const NO_WRITE = [
  'restricts nothing',
  { hint: 'write readOnly: true to refuse every change, or leave it out' },
] as const;

/** What names places that may be reached. */
const PLACES: ReadonlySet<OptionName> = new Set<OptionName>(['allowed-netmasks', 'allowed-hosts']);
const ALLOWING: ReadonlySet<string> = new Set(['network.netmasks', 'network.hosts']);

/** Throws a KeyError for whatever is not understood. */
export function readPolicy(policy: unknown, source: Source): Said[] {
  const said = entriesOf(policy, '').flatMap(([name, value]) => {
    if (source === 'file' && name === SCHEMA_KEY) return [];
    const isWord = typeof value === 'string' && ROWS.some(({ key }) => key === name);
    return isGroup(name) && !isWord ? readGroup(name, value, source) : readValue(name, value, source);
  });
  refuseContradiction(said);
  refuseNothing(said);
  return said;
}

/** The members that are there: one that is undefined is not. */
function entriesOf(value: unknown, key: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new KeyError(key, 'is not an object', { word: value, hint: exampleOf(key) });
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

function readGroup(group: string, value: unknown, source: Source): Said[] {
  const entries = entriesOf(value, group);
  const said = entries.flatMap(([name, member]) => readValue(`${group}.${name}`, member, source));
  const empty = entries.flatMap(([name, member]) =>
    Array.isArray(member) && member.length === 0 ? [`${group}.${name}`] : [],
  );
  if (group === 'network') return networkOf(said, empty);
  return group === 'write' ? changesOf(said, empty) : exceptionsOf(group, said, source);
}

/** Who lists no path at all allows no change; who denies none says nothing. */
function changesOf(said: readonly Said[], empty: readonly string[]): Said[] {
  const nowhere = empty.find((key) => key !== 'write.deny');
  if (said.length === 0 && nowhere === undefined) throw new KeyError('write', ...NO_WRITE);
  return nowhere === undefined ? [...said] : [...said, { option: 'read-only', key: nowhere, value: true }];
}

/** What may be read or executed is everything but what is denied; a command line beside a file may deny more. */
function exceptionsOf(group: string, said: readonly Said[], source: Source): Said[] {
  const denies = said.some(({ key }) => key.startsWith(`${group}.deny`));
  if (denies || (source === 'file' && said.length > 0)) return [...said];
  throw new KeyError(group, 'restricts nothing', {
    hint: `all is allowed but what is denied: write deny: ["/"], or leave it out`,
  });
}

/**
 * A list of what is allowed restricts, an empty one to nothing; resolvers come in addition. What is denied of nothing is left to
 * say nothing.
 */
function networkOf(said: readonly Said[], empty: readonly string[]): Said[] {
  const places = said.some(({ option }) => PLACES.has(option));
  const nothing = empty.find((key) => key === 'network.ports' || (!places && ALLOWING.has(key)));
  if (nothing !== undefined) {
    const resolvers = said.filter(({ option, value }) => option === 'allow-resolv' && value === true);
    return resolvers.length > 0 ? resolvers : [{ option: 'no-outbound-network', key: nothing, value: true }];
  }
  if (said.every(({ value }) => value === false))
    throw new KeyError('network', 'restricts nothing', {
      hint: 'write "none" to refuse every connection, or leave it out',
    });
  return [...said];
}

function readValue(key: string, value: unknown, source: Source): Said[] {
  const rows = ROWS.filter((row) => row.key === key);
  const [row] = rows;
  if (row === undefined) throw unknownKey(key, source);
  if (source === 'program' && row.onlyInFiles !== undefined)
    throw new KeyError(key, 'is for config files', { hint: row.onlyInFiles });
  const option = findOption(row.option);
  if (option === undefined) throw new Error(`no option ${row.option}`);
  if (row.word !== undefined) return [readWord(key, value, rows)];
  if (option.kind === 'boolean') return [{ option: row.option, key, value: readBoolean(key, value) }];
  if (!isList(option)) return [{ option: row.option, key, value: readText(key, value, option) }];
  if (!Array.isArray(value))
    throw new KeyError(key, 'is not a list', { word: value, hint: `write [${exampleItem(option)}]` });
  const items: readonly unknown[] = value;
  if (items.length === 0 && option.kind === 'listen-list')
    return [{ option: row.option, key, value: 'none' }];
  // Holes of a list are members of it as well.
  return Array.from(items, (item, index) => {
    const place = `${key}[${index}]`;
    return { option: row.option, key: place, value: readText(place, item, option) };
  });
}

function readWord(key: string, value: unknown, rows: readonly PolicyKey[]): Said {
  const row = rows.find(({ word }) => word === value);
  if (row) return { option: row.option, key, value: true };
  const words = rows.map(({ word }) => `"${word}"`).join(', ');
  throw new KeyError(key, 'is none of the choices', { word: value, hint: `expected ${words} or an object` });
}

function readBoolean(key: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new KeyError(key, 'is not a boolean', { word: value, hint: 'expected true or false' });
}

/** The text of one value, with what the option's kind asks of it. */
function readText(key: string, value: unknown, option: Option): string {
  const { kind, choices } = option;
  if (kind === 'port-list') return readPort(key, value);
  if (kind === 'place-list') return readPlace(key, value);
  if (kind === 'listen-list' && typeof value === 'number') return readPort(key, value);
  if (kind === 'path-list' || kind === 'unix-socket-list' || kind === 'file') return readPath(key, value);
  const text = readString(key, value, exampleItem(option));
  if (choices?.includes(text) !== false) return text;
  const expected = choices.map((choice) => `"${choice}"`).join(', ');
  throw new KeyError(key, 'is none of the choices', { word: text, hint: `expected ${expected}` });
}

function readPort(key: string, value: unknown): string {
  if (typeof value !== 'number' && typeof value !== 'string')
    throw new KeyError(key, 'is not a port', { word: value, hint: 'expected 443, or a range "8000-8010"' });
  try {
    parsePorts(String(value));
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new KeyError(key, error.problem, {
      word: value,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
  return String(value);
}

/** A file: URL is a path and never a pattern. */
export function readPlace(key: string, value: unknown): string {
  const path = readPath(key, value);
  if (value instanceof URL) return quotePlace(path);
  const other = otherLanguage(path);
  if (other !== undefined) throw new KeyError(key, other.problem, { word: path, hint: other.hint });
  return path;
}

/** A file: URL is a path as well, as everywhere in Node. */
function readPath(key: string, value: unknown): string {
  const path = value instanceof URL ? pathOf(key, value) : readString(key, value, '"./build"');
  if (path.includes('\0'))
    throw new KeyError(key, 'has a NUL byte', { word: path, hint: 'no path can hold one' });
  return path;
}

function pathOf(key: string, url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw new KeyError(key, 'is no URL of a file', { word: url.href, hint: 'expected file:///…' });
  }
}

/** Bytes that are no text come through no JSON, and half a character would become another one. */
function readString(key: string, value: unknown, example: string): string {
  if (typeof value !== 'string')
    throw new KeyError(key, 'is not a string', { word: value, hint: `expected ${example}` });
  if (value === '') throw new KeyError(key, 'is empty', { hint: `expected ${example}` });
  if (/\p{Surrogate}/u.test(value)) throw new KeyError(key, 'holds half of a character', { word: value });
  return value;
}

function unknownKey(key: string, source: Source): KeyError {
  const near = nearestKey(key, source);
  return new KeyError(key, 'is not a key', near === undefined ? {} : { hint: `did you mean ${near}?` });
}

/** `write: { ownTmp: false }` alone: who writes it expects that something is restricted. */
function refuseNothing(said: readonly Said[]): void {
  const writes = said.filter(({ key }) => key.startsWith('write.'));
  if (writes.length === 0 || writes.some(({ value }) => value !== false)) return;
  if (said.some(({ option, value }) => option === 'read-only' && value === true)) return;
  throw new KeyError('write', ...NO_WRITE);
}

/** A restriction that was switched off aloud cannot be what another key implies. */
function refuseContradiction(said: readonly Said[]): void {
  const off = said.find(({ option, value }) => option === 'read-only' && value === false);
  const implying = said.find(
    ({ key, value }) => key.startsWith('write.') && !key.startsWith('write.deny') && value !== false,
  );
  if (off === undefined || implying === undefined) return;
  throw new KeyError(off.key, `contradicts ${implying.key}, which implies it`, {
    word: false,
    hint: 'leave one of them out',
  });
}

function exampleItem({ kind, choices }: Option): string {
  if (kind === 'port-list') return '443';
  if (kind === 'listen-list') return '8080';
  if (kind === 'netmask-list') return '"192.168.1.0/24"';
  if (kind === 'host-list') return '"*.example.org:443"';
  return kind === 'choice' ? `"${choices?.[0]}"` : '"./build"';
}

function exampleOf(key: string): string {
  if (key === 'network') return 'expected "none", or { ports: [443] }';
  if (key === 'read' || key === 'exec') return 'expected { deny: ["@secrets"] }';
  return key === 'write' ? 'expected { allow: ["./build"] }' : 'expected { readOnly: true }';
}
