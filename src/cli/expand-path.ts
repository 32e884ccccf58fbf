/**
 * `~` and variables in the paths of a config file, and in places wherever they are written. In other words of the command line the
 * shell has done this already; of `--read-deny=~/.ssh` it does not.
 *
 *     ~/x, ~        the home directory; only at the start
 *     $NAME, ${NAME}  a variable of the environment; an unset or empty one is an error, never nothing
 *     \$, \~        the character itself; a backslash before anything else is a backslash
 */
import { quotePlace } from '../policy/place-text.ts';
import { ValueError } from '../policy/value-error.ts';
import type { OptionSpec } from '../options/option-table.ts';
import { type ByteString, fromText, toBytes } from './byte-string.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const TILDE_PATTERN = /^~(?<user>[^/]*)/;
const EXPANSION_PATTERN = /\\\$|\$(?:(?<bare>[A-Za-z_]\w*)|\{(?<braced>[A-Za-z_]\w*)\})?/g;
const PLACE_PATTERN = /\\[^]|\$(?:(?<bare>[A-Za-z_]\w*)|\{(?<braced>[A-Za-z_]\w*)\})?/g;
const REPLACEMENT_CHARACTER = '\ufffd';

/** Whether an option's values are paths, in which `~` and variables stand for others in a config file. */
export function holdsPaths({ kind }: OptionSpec): boolean {
  return kind === 'path-list' || kind === 'unix-socket-list' || kind === 'file';
}

/** False where a path is certainly meant as it stands. */
export function mayExpand(text: ByteString): boolean {
  return text.includes('$') || text.includes('~');
}

/** What a variable holds is taken as it is: neither expanded again nor split at commas. */
export function expandPath(text: ByteString, environment: Environment): ByteString {
  if (!mayExpand(text)) return text;
  return withHome(text)
    .replace(/^\\~/, '~')
    .replace(EXPANSION_PATTERN, (match, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name !== undefined) return valueOf(name, environment);
      if (match === '\\$') return '$';
      throw new ValueError('has a $ that names no variable', {
        hint: String.raw`write \$ for a dollar sign`,
      });
    });
}

/**
 * The same in a place, whose other signs keep their meaning (policy/place-text.ts): `~` and `$` have none in what comes back, and no
 * sign has one in what a variable holds.
 */
export function expandPlace(text: ByteString, environment: Environment): ByteString {
  if (!mayExpand(text)) return text;
  return withHome(text).replace(PLACE_PATTERN, (match, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name !== undefined) return quotePlace(valueOf(name, environment));
    if (match !== '$') return match;
    throw new ValueError('has a $ that names no variable', { hint: String.raw`write \$ for a dollar sign` });
  });
}

function withHome(text: ByteString): ByteString {
  return text.replace(TILDE_PATTERN, (_, user: string) => {
    if (user !== '')
      throw new ValueError('names the home of another user', { hint: 'write ./~ for a file so called' });
    return '$HOME';
  });
}

/** The same of a path where places are listed. */
export function quotePathAsPlace(path: Uint8Array): Buffer | undefined {
  const text = quotePlace(Buffer.from(path).toString('latin1'));
  if (text.includes('\n')) return undefined;
  return toBytes(text.replace(/[,# \t\r]/g, (character) => `\\${character}`));
}

/** The bytes of a value as a config file spells them, alone on its line. Undefined: a line break in it cannot be spelt. */
export function quoteValue(bytes: Uint8Array): Buffer | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('\n')) return undefined;
  return toBytes(text.replace(/[$,# \t\r]/g, (character) => `\\${character}`));
}

/** Throws where it is not set, or says nothing. */
export function valueOf(name: string, environment: Environment): ByteString {
  const value = environment[name];
  if (value === undefined || value === '') throw new ValueError(`needs $${name}, which is not set`);
  if (value.includes(REPLACEMENT_CHARACTER)) throw new ValueError(`needs $${name}, which is not valid UTF-8`);
  return fromText(value);
}
