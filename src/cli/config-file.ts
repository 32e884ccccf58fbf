/**
 * Config files: the long names of the options as keys, one `key=value` a line.
 *
 *     # a comment; also after a value, where a blank precedes it
 *     read-only=1
 *     write-allow=~/project,$TMPDIR     (~ and variables: in paths and places only, see expand-path.ts)
 *     write-allow=build                 (relative to this file; keys may be repeated)
 *     include=common.conf
 *     set.mine=~/work/private,*.key     (a set of places, for others to name: read-deny=@mine)
 *
 * `\#` is a # that starts no comment, and a backslash keeps a blank at the end. A file that is JSON is read by json-config.ts.
 * Import it lazily.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoMessage } from '../linux/errno.ts';
import { isOwnPipe } from '../linux/handed-descriptors.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';
import { type Assignment, readAssignments, refuseOtherLanguage, splitList } from './assignments.ts';
import { type ByteString, toBytes } from './byte-string.ts';
import { descriptorNamed, refuseForeign } from './descriptor-name.ts';
import { type Environment, expandPath, holdsPaths, mayExpand } from './expand-path.ts';
import { isJson, readJsonConfig } from './json-config.ts';
import { findOption, type Option, optionNames } from '../options/option-table.ts';
import { nearestName } from '../options/suggest.ts';
import { refuseSetName, type SetDefinition } from './sets.ts';
import { naming, type Origin, UsageError, type UsageErrorDetails } from './usage-error.ts';

const INCLUDE = 'include';
const SET_PREFIX = 'set.';
const CHUNK_BYTES = 65_536;
/** Longer files are refused. */
export const MAX_BYTES = 16 * 1_048_576;
/** Of UTF-8, and of UTF-16 either way. */
const BYTE_ORDER_MARK_PATTERN = /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/;
const COMMENT_PATTERN = /(?:^|(?<=[ \t]))#.*$/s;
const [SPACE, TAB, CARRIAGE_RETURN] = [0x20, 0x09, 0x0d];
const OUTER_BLANKS_PATTERN = /^[ \t]+|(?<!\\)[ \t\r]+$/g;
const ESCAPE_PATTERN = /\\([# \t\r])/g;

export interface ConfigFiles {
  /** In order. */
  readonly assignments: readonly Assignment[];
  /** Of every file that was read, included ones too: as it was named, from the current directory. */
  readonly paths: readonly Buffer[];
  readonly sets: readonly SetDefinition[];
}

/** What is found on the way. */
interface Collected {
  readonly paths: Buffer[];
  readonly sets: SetDefinition[];
}

/** What some files say. Each is an assignment of --config, which errors are told about. */
export function readConfigFiles(
  files: readonly Assignment[],
  environment: Environment = process.env,
): ConfigFiles {
  const collected: Collected = { paths: [], sets: [] };
  const assignments = files.flatMap(({ text, spelling, origin }) =>
    readFile(text, [], { option: spelling, word: text, origin }, environment, collected),
  );
  return { assignments, ...collected };
}

type Mention = Omit<UsageErrorDetails, 'problem' | 'hint'>;

/** `including`: the files on the way here. `mention`: where this one was named. */
function readFile(
  file: ByteString,
  including: readonly string[],
  mention: Mention,
  environment: Environment,
  collected: Collected,
): Assignment[] {
  const { identity, content } = naming(mention, () => loadFile(file));
  if (including.includes(identity)) throw new UsageError({ ...mention, problem: 'includes itself' });
  const path = toBytes(file);
  collected.paths.push(path);
  refuseByteOrderMark(content, { kind: 'config-file', file: path, line: 1 });
  const include = (included: ByteString, details: Mention): Assignment[] =>
    readFile(relativeTo(file, included), [...including, identity], details, environment, collected);
  const define = (set: SetDefinition): void => void collected.sets.push(set);
  if (isJson(file, content)) return readJsonConfig(content, path, environment, { include, define });
  const assignments: Assignment[] = [];
  let number = 0;
  for (const line of content.split('\n')) {
    number += 1;
    const origin: Origin = { kind: 'config-file', file: path, line: number };
    for (const each of readLine(line, origin, environment, { include, define })) assignments.push(each);
  }
  return assignments;
}

/** Unseen in an editor, it would be a part of the first key. */
function refuseByteOrderMark(content: ByteString, origin: Origin): void {
  const word = BYTE_ORDER_MARK_PATTERN.exec(content)?.[0];
  if (word === undefined) return;
  const hint = 'save the file as UTF-8 without one';
  throw new UsageError({ word, problem: 'is a byte order mark', hint, origin });
}

/** `identity` tells files apart whatever they are called. A pipe of the shell is a file too. */
function loadFile(file: ByteString): { identity: string; content: ByteString } {
  if (file.includes('\0')) throw new ValueError('has a NUL byte');
  refuseForeign(descriptorNamed(file), '<');
  try {
    const fd = openSync(toBytes(file), 'r');
    try {
      // By whatever name: to read from a pipe of our own would never end.
      if (isOwnPipe(fd)) throw new ValueError('is a pipe of secfilt itself');
      const { dev, ino } = fstatSync(fd, { bigint: true });
      return { identity: `${dev}:${ino}`, content: readToEnd(fd) };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError('cannot be read', { hint: errnoMessage(errnoOf(error)) });
  }
}

/** A device or a pipe may have no end. */
function readToEnd(fd: number): ByteString {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let content = '';
  for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk)) {
    content += chunk.toString('latin1', 0, length);
    if (content.length > MAX_BYTES)
      throw new ValueError('is too long', { hint: `a config file has at most ${MAX_BYTES >> 20} MiB` });
  }
  return content;
}

interface Reaction {
  /** Reads another file. */
  readonly include: (file: ByteString, mention: Mention) => Assignment[];
  readonly define: (set: SetDefinition) => void;
}

function readLine(
  line: ByteString,
  origin: Origin,
  environment: Environment,
  { include, define }: Reaction,
): Assignment[] {
  // Lists of paths may be long: what a line does not have is not looked for with a pattern.
  const uncommented = line.includes('#') ? line.replace(COMMENT_PATTERN, '') : line;
  const text = withoutOuterBlanks(uncommented);
  if (text === '') return [];
  const sign = text.indexOf('=');
  const key = sign === -1 ? text : withoutOuterBlanks(text.slice(0, sign));
  const rawValue = sign === -1 ? undefined : withoutOuterBlanks(text.slice(sign + 1));
  const value = rawValue?.includes('\\') ? rawValue.replace(ESCAPE_PATTERN, '$1') : rawValue;
  const details = { option: key, origin };
  if (key === INCLUDE) {
    if (value === undefined || value === '')
      throw new UsageError({ ...details, problem: 'needs a value', hint: 'include=FILE' });
    const file = naming({ ...details, word: value }, () => expandPath(value, environment));
    return include(file, { ...details, word: value });
  }
  if (key.startsWith(SET_PREFIX)) {
    define(readSetDefinition(key, value, origin));
    return [];
  }
  const option = knownOption(key, origin);
  if (value === undefined) {
    const hint = `write ${key}=${option.kind === 'boolean' ? '1' : (option.placeholder ?? '')}`;
    throw new UsageError({ ...details, word: text, problem: 'is not key=value', hint });
  }
  const assignments = readAssignments(option, key, value, origin);
  if (!holdsPaths(option)) return assignments;
  return assignments.map((assignment) => {
    if (!mayExpand(assignment.text)) return assignment;
    const text = naming({ ...details, word: assignment.text }, () =>
      expandPath(assignment.text, environment),
    );
    return { ...assignment, text };
  });
}

function readSetDefinition(key: ByteString, value: ByteString | undefined, origin: Origin): SetDefinition {
  const name = key.slice(SET_PREFIX.length);
  naming({ option: SET_PREFIX.slice(0, -1), word: name, origin }, () => refuseSetName(name));
  if (value !== undefined) refuseOtherLanguage(value, key, origin);
  const items = value === undefined ? [] : splitList(value);
  if (items.length === 0 || items.includes('')) {
    const hint = `${key}=PATH,PATH`;
    throw new UsageError({ option: key, problem: 'needs a value', hint, origin });
  }
  return { name, words: items.map((text) => ({ spelling: key, text, origin })) };
}

function withoutOuterBlanks(text: ByteString): ByteString {
  const isBlankOutside = isBlank(text.charCodeAt(0)) || isBlank(text.charCodeAt(text.length - 1));
  return isBlankOutside ? text.replace(OUTER_BLANKS_PATTERN, '') : text;
}

/** Not \s: a byte of a UTF-8 character may look like a no-break space. */
function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === CARRIAGE_RETURN;
}

function knownOption(key: ByteString, origin: Origin): Option {
  const option = findOption(key);
  if (option?.inConfig === true) return option;
  if (option) {
    const hint = option.name === 'config' ? 'include=FILE does that' : undefined;
    throw new UsageError({ word: key, problem: 'cannot stand in a config file', hint, origin });
  }
  const names = [INCLUDE, ...optionNames().filter((name) => findOption(name)?.inConfig)];
  const near = nearestName(key.replace(/^-+/, ''), names);
  const hint = near === undefined ? undefined : `did you mean ${near}?`;
  throw new UsageError({ word: key, problem: 'is not an option', hint, origin });
}

function relativeTo(file: ByteString, included: ByteString): ByteString {
  const directory = file.slice(0, file.lastIndexOf('/') + 1);
  return included.startsWith('/') ? included : directory + included;
}
