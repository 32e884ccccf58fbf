/**
 * The JSON schema (draft 2020-12) of a policy as a config file in JSON holds it. `npm run docs` writes it to share/. Not part of the
 * bundled program.
 */
import { findOption, isList, type Option } from './option-table.ts';
import { INCLUDE_KEY, POLICY_KEYS, type PolicyKey, SCHEMA_KEY, SETS_KEY } from './policy-keys.ts';

export type Schema = Readonly<Record<string, unknown>>;

const ROWS: readonly PolicyKey[] = POLICY_KEYS;
const PATH = { type: 'string', minLength: 1 } as const;
const BASE = 'a relative path starts at the directory of the file, ~ is the home directory, $NAME a variable';

/** The schema, whole. */
export function policySchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A policy of secfilt',
    description: `Options of secfilt(1), as --config=FILE.json reads them. In paths ${BASE}.`,
    ...objectOf(''),
  };
}

/** The keys of the policy itself, or of one of its groups. */
function objectOf(group: string): Schema {
  const names = [...new Set(ROWS.flatMap(({ key }) => nameIn(group, key) ?? []))];
  const others =
    group === ''
      ? {
          [SCHEMA_KEY]: { type: 'string', description: 'this schema, for editors' },
          [INCLUDE_KEY]: listOf(PATH, 'other config files, which come first'),
          [SETS_KEY]: {
            type: 'object',
            description: 'sets of places by their names, which others name as @name',
            additionalProperties: listOf(PATH, 'paths, patterns and @sets'),
          },
        }
      : {};
  return {
    type: 'object',
    properties: {
      ...others,
      ...Object.fromEntries(names.map((name) => [name, valueAt(group === '' ? name : `${group}.${name}`)])),
    },
    additionalProperties: false,
    ...(group !== '' && { minProperties: 1 }),
  };
}

function nameIn(group: string, key: string): string | undefined {
  if (group !== '' && !key.startsWith(`${group}.`)) return undefined;
  return key.slice(group === '' ? 0 : group.length + 1).split('.')[0];
}

function valueAt(key: string): Schema {
  const rows = ROWS.filter((row) => row.key === key);
  const words = rows.flatMap((row) =>
    row.word === undefined ? [] : [{ const: row.word, description: optionOf(row).help }],
  );
  const group = ROWS.some((row) => row.key.startsWith(`${key}.`)) ? [objectOf(key)] : [];
  const alternatives = [...words, ...group];
  const [row] = rows;
  if (alternatives.length > 1) return { oneOf: alternatives };
  return alternatives[0] ?? (row === undefined ? {} : schemaOf(optionOf(row)));
}

function schemaOf(option: Option): Schema {
  if (option.kind === 'boolean') return { type: 'boolean', description: option.help };
  if (option.kind === 'choice') return { enum: option.choices, description: option.help };
  const item = itemOf(option);
  return isList(option) ? listOf(item, option.help) : { ...item, description: option.help };
}

function itemOf({ kind }: Option): Schema {
  const port = { type: 'integer', minimum: 1, maximum: 65535 };
  if (kind === 'listen-list') return { oneOf: [port, PATH] };
  if (kind !== 'port-list') return PATH;
  return { oneOf: [port, { type: 'string', pattern: '^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$' }] };
}

function listOf(items: Schema, description: string): Schema {
  return { type: 'array', items, description };
}

function optionOf({ option }: PolicyKey): Option {
  const found = findOption(option);
  if (found === undefined) throw new Error(`no option ${option}`);
  return found;
}
