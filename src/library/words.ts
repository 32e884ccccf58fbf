/** A policy in the words of the command line, which alone says what a policy means. */
import { fileURLToPath } from 'node:url';
import { KeyError } from '../options/key-error.ts';
import { findOption } from '../options/option-table.ts';
import { absolutePlace, homeFor, type Surroundings } from '../options/absolute-place.ts';
import { readPolicy, type Said } from '../options/read-policy.ts';
import { readSets, withoutSets } from '../options/read-sets.ts';
import { PolicyError } from './errors.ts';
import type { Policy } from './policy.ts';

/** The options, a word each; every path in them is absolute. Throws a PolicyError. */
export function policyWords(policy: Policy, surroundings: Surroundings): string[] {
  try {
    const { sets, policy: rest } = readSets(policy);
    return withoutSets(readPolicy(rest, 'program'), sets).map((one) => wordOf(one, surroundings));
  } catch (error) {
    if (error instanceof KeyError)
      throw new PolicyError(error.message, error.key === '' ? undefined : error.key);
    throw error;
  }
}

/** Where relative paths start: the working directory at the time of the call, if nothing else is said. */
export function directoryOf(given: string | URL | undefined): string {
  const directory = given === undefined ? process.cwd() : given instanceof URL ? fileURLToPath(given) : given;
  if (directory.startsWith('/')) return directory;
  return `${process.cwd()}/${directory}`;
}

function wordOf({ option, key, value }: Said, surroundings: Surroundings): string {
  if (typeof value === 'boolean') return value ? `--${option}` : `--${option}=0`;
  const kind = findOption(option)?.kind;
  if (kind === 'place-list')
    return `--${option}=${absolutePlace(key, value, surroundings).replaceAll(',', String.raw`\,`)}`;
  const isPath = kind === 'path-list' || (kind === 'unix-socket-list' && !value.startsWith('@'));
  const text = isPath ? absolute(key, value, surroundings) : value;
  // A comma would end the item of a list.
  return `--${option}=${kind?.endsWith('-list') ? text.replaceAll(',', String.raw`\,`) : text}`;
}

/** Put together, not resolved: what a path means the kernel says. */
function absolute(key: string, path: string, { cwd, home }: Surroundings): string {
  if (path.startsWith('/')) return path;
  return path.startsWith('~') ? `${homeFor(key, path, home)}${path.slice(1)}` : `${cwd}/${path}`;
}
