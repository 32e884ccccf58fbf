/** What is wrong with a policy that is written as an object. */

export class KeyError extends Error {
  /** Where it stands: `network.ports[1]`; empty for the whole. */
  readonly key: string;
  /** What stands there, where it matters. */
  readonly word: string | undefined;
  /** To be read after key and word. Text of our own. */
  readonly problem: string;
  /** What would be right. Text of our own. */
  readonly hint: string | undefined;

  constructor(key: string, problem: string, more: { readonly word?: unknown; readonly hint?: string } = {}) {
    const word = 'word' in more ? shown(more.word) : undefined;
    const subject = [key === '' ? 'the policy' : key, ...(word === undefined ? [] : [word])].join(': ');
    super(`${subject} ${problem}${more.hint === undefined ? '' : `: ${more.hint}`}`);
    this.name = 'KeyError';
    this.key = key;
    this.word = typeof more.word === 'string' ? more.word : word;
    this.problem = problem;
    this.hint = more.hint;
  }
}

const LONGEST_SHOWN = 80;

/** As JSON spells it, where it does. */
function shown(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
