/** "Did you mean", for the keys of a policy. */
import { findOption, optionNames } from './option-table.ts';
import { INCLUDE_KEY, keyOf, POLICY_KEYS, type PolicyKey, SCHEMA_KEY, SETS_KEY } from './policy-keys.ts';
import { nearestName } from './suggest.ts';

/** The key that a wrong one may have meant: misspelt, at another place, or spelt as the option is on the command line. */
export function nearestKey(wrong: string, source: 'program' | 'file'): string | undefined {
  const rows: readonly PolicyKey[] = POLICY_KEYS;
  const keys = rows.filter((row) => source === 'file' || row.onlyInFiles === undefined).map(({ key }) => key);
  const groups = keys.flatMap((key) => (key.includes('.') ? [headOf(key)] : []));
  const others = source === 'file' ? [INCLUDE_KEY, SCHEMA_KEY, SETS_KEY] : [SETS_KEY];
  const known = [...new Set([...keys, ...groups, ...others])];
  const exact = known.find((key) => plain(lastOf(key)) === plain(lastOf(wrong)));
  const option = optionNames().find((name) => plain(name) === plain(lastOf(wrong)));
  const meant = option === undefined ? undefined : keyOf(findOption(option)?.name ?? option);
  const asOption = meant !== undefined && known.includes(meant) ? meant : undefined;
  return exact ?? asOption ?? nearestName(wrong, known) ?? byLastName(lastOf(wrong), known);
}

function byLastName(name: string, known: readonly string[]): string | undefined {
  const near = nearestName(name, known.map(lastOf));
  return known.find((key) => lastOf(key) === near);
}

function headOf(key: string): string {
  return key.slice(0, key.indexOf('.'));
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** `write-allow`, `writeAllow` and `--write_allow` are one. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z]/g, '').toLowerCase();
}
