/** The rules of a policy about places, each with the words that say it. */
import type { Policy } from '../policy/policy.ts';
import { escapeBytes } from '../report/escape.ts';
import { formatPattern, literally } from '../rules/format-pattern.ts';
import type { Access, Rule } from '../rules/rule.ts';

export interface ExplainedRule {
  readonly access: Access;
  readonly effect: Rule['effect'];
  /** Absolute, spelt as the options spell it. */
  readonly place: string;
  readonly said: string;
}

/** All that is not said by paths alone where changes are allowed. */
export function explainRules({ read = [], execute = [], files }: Policy): ExplainedRule[] {
  const kinds: readonly (readonly [Access, readonly Rule[]])[] = [
    ['read', read],
    ['write', files?.rules ?? []],
    ['execute', execute],
  ];
  return kinds.flatMap(([access, rules]) =>
    rules.map(({ effect, place, said }) => {
      const text = place.kind === 'path' ? literally(place.path) : formatPattern(place.pattern);
      return { access, effect, place: escapeBytes(text), said };
    }),
  );
}

/** A line a rule. */
export function ruleLines(rules: readonly ExplainedRule[]): string[] {
  if (rules.length === 0) return [];
  const lines = rules.map(
    ({ access, effect, place, said }) => `  ${access.padEnd(9)}${effect.padEnd(7)}${place}   ${said}`,
  );
  return [
    '',
    'rules about places: the nearest to a file decides, and at the same place what denies wins',
    ...lines,
  ];
}
