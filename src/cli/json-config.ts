/**
 * Config files in JSON: a policy as the library takes it (options/policy-keys.ts), and `include`, a list of files, which
 * come first. Paths are read as in other config files: from the directory of the file on, with `~` and variables.
 */
import { KeyError } from '../options/key-error.ts';
import { findOption, type Option } from '../options/option-table.ts';
import { INCLUDE_KEY, POLICY_KEYS, type PolicyKey } from '../options/policy-keys.ts';
import { readPolicy, type Said } from '../options/read-policy.ts';
import { readSets } from '../options/read-sets.ts';
import type { Assignment } from './assignments.ts';
import { type ByteString, fromText } from './byte-string.ts';
import { type Environment, expandPath, holdsPaths } from './expand-path.ts';
import { JsonError, type JsonText, parseJson, utf8Text } from './json-text.ts';
import type { SetDefinition } from './sets.ts';
import { naming, type Origin, UsageError } from './usage-error.ts';

/** What becomes of what a file says besides. */
export interface Reaction {
  /** Reads another file. */
  readonly include: (
    file: ByteString,
    mention: { option: string; origin: Origin; word: ByteString },
  ) => Assignment[];
  readonly define: (set: SetDefinition) => void;
}

/** True for a file that is named `.json`, or begins as an object does: no option does. */
export function isJson(file: ByteString, content: ByteString): boolean {
  return file.endsWith('.json') || /^[ \t\r\n]*\{/.test(content);
}

/** What a file says. Throws a UsageError that names file, line and key. */
export function readJsonConfig(
  content: ByteString,
  file: Buffer,
  environment: Environment,
  { include, define }: Reaction,
): Assignment[] {
  const { value, lines } = parse(content, file);
  const originOf = (key: string): Origin => ({ kind: 'config-file', file, line: lineOf(lines, key) });
  const expand = (key: string, text: ByteString): ByteString =>
    naming({ option: key, word: text, origin: originOf(key) }, () => expandPath(text, environment));
  try {
    const [included, rest] = withoutIncludes(value);
    const { sets, policy } = readSets(rest);
    const said = readPolicy(policy, 'file');
    for (const { name, items } of sets)
      define({
        name,
        words: items.map(({ key, value: text }) => ({
          spelling: key,
          text: fromText(text),
          origin: originOf(key),
        })),
      });
    return [
      ...included.flatMap((name, index) => {
        const key = `${INCLUDE_KEY}[${index}]`;
        const word = fromText(name);
        return include(expand(key, word), { option: key, origin: originOf(key), word });
      }),
      ...said.map((one) => assignmentOf(one, originOf(one.key), expand)),
    ];
  } catch (error) {
    if (error instanceof KeyError) throw usageError(error, originOf(error.key));
    throw error;
  }
}

/** The files that it includes, and all else. */
function withoutIncludes(value: unknown): [included: string[], policy: unknown] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[], value];
  const { [INCLUDE_KEY]: included = [], ...policy }: { [INCLUDE_KEY]?: unknown } = value;
  if (!Array.isArray(included))
    throw new KeyError(INCLUDE_KEY, 'is not a list', { word: included, hint: 'write ["common.json"]' });
  const files: readonly unknown[] = included;
  const names = files.map((name, index) => {
    if (typeof name === 'string' && name !== '') return name;
    const hint = 'expected "common.json"';
    throw new KeyError(`${INCLUDE_KEY}[${index}]`, 'is not the name of a file', { word: name, hint });
  });
  return [names, policy];
}

function assignmentOf(
  { option: name, key, value }: Said,
  origin: Origin,
  expand: (key: string, text: ByteString) => ByteString,
): Assignment {
  const option = findOption(name);
  if (option === undefined) throw new Error(`no option ${name}`);
  if (typeof value === 'boolean')
    return { option, spelling: spellingOf(option, key), text: String(value), on: value, origin };
  const text = fromText(value);
  return { option, spelling: key, text: holdsPaths(option) ? expand(key, text) : text, on: false, origin };
}

/** A key that says several things by words is followed by the word, as in `network: "none"`. */
function spellingOf(option: Option, key: string): string {
  const row: PolicyKey | undefined = POLICY_KEYS.find((one) => one.option === option.name);
  return row?.word === undefined ? key : `${key}: "${row.word}"`;
}

/** The line of the innermost thing on the way to a key that stands in the text. */
function lineOf(lines: JsonText['lines'], key: string): number {
  for (let way = key; ; way = way.replace(/(?:^|\.|\[)[^.[]*$/, '')) {
    const line = lines.get(way);
    if (line !== undefined) return line;
    if (way === '') return 1;
  }
}

function usageError({ key, word, problem, hint }: KeyError, origin: Origin): UsageError {
  const whole = key === '' && word === undefined;
  return new UsageError({
    ...(key !== '' && { option: key }),
    ...(word !== undefined && { word: fromText(word) }),
    problem: whole ? `the policy ${problem}` : problem,
    hint,
    origin,
  });
}

function parse(content: ByteString, file: Buffer): JsonText {
  const text = utf8Text(content);
  const fail = (line: number, details: { word?: ByteString; problem: string; hint: string }): never => {
    throw new UsageError({ ...details, origin: { kind: 'config-file', file, line } });
  };
  if (text === undefined) return fail(1, { problem: 'the file is not UTF-8', hint: 'JSON is' });
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, word, problem, hint } = error;
    if (word === '') return fail(line, { problem: `the JSON ${problem}`, hint });
    return fail(line, { word: fromText(word), problem, hint });
  }
}
