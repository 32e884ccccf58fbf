/** Whether a policy lets its command start at all. Pure. */
import type { PathBytes, Policy } from '../policy/policy.ts';
import { isWithin } from '../policy/within.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import { beginningOf, type Rule } from '../rules/rule.ts';

export interface StartRefusal {
  /** The file that may not be opened: the command, or an interpreter of its. */
  readonly file: PathBytes;
  readonly access: 'read' | 'execute';
  readonly rule: Rule;
}

/**
 * What is in the way, if anything is. The kernel opens each of the files for reading and execution (execve(2)). An index of all rules
 * would be made at each start, for a file or two: only those on the way to one are looked at.
 * @param files as the kernel names them
 */
export function startRefusal(
  { read = [], execute = [] }: Policy,
  files: readonly PathBytes[],
): StartRefusal | undefined {
  const kinds = [
    ['execute', execute],
    ['read', read],
  ] as const;
  for (const file of files) {
    for (const [access, rules] of kinds) {
      const rule = new RuleIndex(rules.filter((each) => isWithin(file, beginningOf(each)))).decide(file);
      if (rule?.effect === 'deny') return { file, access, rule };
    }
  }
  return undefined;
}

/**
 * What a person reads about it, behind `cannot execute COMMAND: `.
 * @param printable a path as text
 */
export function startRefusalText(
  { file, access, rule }: StartRefusal,
  command: PathBytes,
  printable: (path: PathBytes) => string,
): string {
  const name = printable(file);
  const what = file.equals(command) ? 'it' : `${name}, by which it runs,`;
  const option = access === 'read' ? '--read-allow' : '--exec-allow';
  const isNamed = rule.place.kind === 'path' && rule.place.path.equals(file);
  // What is denied by name is denied within the set too.
  const isAll = rule.place.kind === 'path' && rule.place.path.length === 1;
  const set = isAll ? ` or ${option}=@system` : '';
  const right = isNamed ? 'leave that out' : `what would be right: ${option}=${name}${set}`;
  return `${what} is not to be ${access === 'read' ? 'read' : 'executed'} (${rule.said}); ${right}`;
}
