/** What was said about an option, once: read from a word of the command line or a line of a config file. */
import type { ByteString } from './byte-string.ts';
import {
  type BooleanOptionName,
  isList,
  type Option,
  type OptionKind,
  type OptionName,
  type ValuedOptionName,
} from '../options/option-table.ts';
import { otherLanguage } from '../policy/place-text.ts';
import { joinPorts } from '../policy/ports.ts';
import { type Origin, UsageError } from './usage-error.ts';

export interface Assignment {
  readonly option: Option;
  /** The option as it was spelt: `--allow-write`, `-c`, or the key of a config file. */
  readonly spelling: string;
  /** One value; the items of a list are assignments of their own. */
  readonly text: ByteString;
  /** What a boolean was set to; true for what may stand without a value; false for all others. */
  readonly on: boolean;
  readonly origin: Origin;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['true', true],
  ['yes', true],
  ['on', true],
  ['0', false],
  ['false', false],
  ['no', false],
  ['off', false],
]);
const BOOLEANS_HINT = 'expected 1 or 0, true or false, yes or no, on or off';
/** Lists in which ports may stand behind an item, several of them too. */
const PORTED: ReadonlySet<OptionKind> = new Set(['host-list', 'netmask-list', 'listen-list']);
/** A comma that no backslash precedes, and a backslash only where it precedes a comma: other backslashes stay. */
const ITEM_PATTERN = /(?:\\,|[^,])*/y;
const ESCAPED_COMMA_PATTERN = /\\,/g;

/** The assignments that a value makes. Undefined: no value was given. */
export function readAssignments(
  option: Option,
  spelling: string,
  value: ByteString | undefined,
  origin: Origin,
): Assignment[] {
  const details = { option: spelling, origin };
  if (option.kind === 'boolean') {
    const isOn = value === undefined || option.choices?.includes(value) === true;
    const on = isOn || isFileName(option, value) ? true : BOOLEANS.get(value);
    if (on === undefined)
      throw new UsageError({
        ...details,
        word: value ?? '',
        problem: 'is not a boolean',
        hint: [BOOLEANS_HINT, ...(option.choices ?? [])].join(', or '),
      });
    return [{ option, spelling, text: value ?? '', on, origin }];
  }
  if (value === undefined && option.kind === 'optional-file') {
    return [{ option, spelling, text: '', on: true, origin }];
  }
  if (value === undefined || value === '') {
    const dashes = origin.kind === 'command-line' ? '--' : '';
    const hint = `${dashes}${option.name}=${option.placeholder}`;
    throw new UsageError({ ...details, problem: 'needs a value', hint });
  }
  if (option.choices && !option.choices.includes(value)) {
    const hint = `expected ${option.choices.join(', ')}`;
    throw new UsageError({ ...details, word: value, problem: 'is none of the choices', hint });
  }
  if (option.kind === 'place-list') refuseOtherLanguage(value, spelling, origin);
  const items = itemsOf(option, value);
  if (items.includes('')) {
    const hint = 'a comma stands between two items';
    throw new UsageError({ ...details, word: value, problem: 'has an empty item', hint });
  }
  const on = option.kind === 'optional-file';
  return items.map((text) => ({ option, spelling, text, on, origin }));
}

function itemsOf(option: Option, value: ByteString): ByteString[] {
  if (!isList(option)) return [value];
  const items = splitList(value);
  return PORTED.has(option.kind) ? joinPorts(items) : items;
}

/** Whether a boolean that may name a file does. */
export function namesFile({ option, text }: Assignment): boolean {
  return isFileName(option, text) && option.choices?.includes(text) !== true;
}

function isFileName(option: Option, value: ByteString): boolean {
  return option.namesFile === true && value !== '' && !BOOLEANS.has(value);
}

/** Throws a UsageError where a list of places is written in another language than ours. */
export function refuseOtherLanguage(word: ByteString, option: string, origin: Origin): void {
  const other = otherLanguage(word);
  if (other !== undefined) throw new UsageError({ option, word, origin, ...other });
}

/** The items of a comma-separated list. `\,` is a comma within an item; a backslash before anything else is itself. */
export function splitList(value: ByteString): ByteString[] {
  if (!value.includes(',')) return [value];
  const items: ByteString[] = [];
  for (let start = 0; start <= value.length; start = ITEM_PATTERN.lastIndex + 1) {
    ITEM_PATTERN.lastIndex = start;
    items.push(ITEM_PATTERN.exec(value)?.[0].replace(ESCAPED_COMMA_PATTERN, ',') ?? '');
  }
  return items;
}

/** All assignments, in the order in which they count: what comes later wins or adds. */
export class Assignments {
  readonly #byName = new Map<OptionName, Assignment[]>();

  constructor(assignments: Iterable<Assignment>) {
    for (const assignment of assignments) {
      const sofar = this.#byName.get(assignment.option.name);
      if (sofar) sofar.push(assignment);
      else this.#byName.set(assignment.option.name, [assignment]);
    }
  }

  /** Of a repeatable option: everything that was given. */
  all(name: ValuedOptionName): readonly Assignment[] {
    return this.#byName.get(name) ?? [];
  }

  /** Of any option: what was given last. */
  last(name: OptionName): Assignment | undefined {
    return this.#byName.get(name)?.at(-1);
  }

  isOn(name: BooleanOptionName): boolean {
    return this.last(name)?.on === true;
  }
}
