/**
 * How places are spelt: paths, patterns and sets of them, as words of a person.
 *
 *     build, ~/x, $TMPDIR/y   a path
 *     *.key, logs/[0-9]?      a pattern (rules/pattern.ts)
 *     @secrets                a set
 *
 * A backslash takes its meaning from a sign that has one; before anything else it is a backslash. Bytes as characters, or ordinary
 * text: all signs are ASCII.
 */

/** What has a meaning somewhere in a word, or in the list or the file where it stands. */
const SIGNS = String.raw`\\*?[\]$~@,# \t`;
/** Those of them that mean nothing in a pattern. */
const OTHERS_PATTERN = /^\\[$~@,# \t]$/;
const SIGN_PATTERN = /[\\*?[\]$]/g;
const ESCAPE_PATTERN = new RegExp(String.raw`\\([${SIGNS}])`, 'g');
const TOKEN_PATTERN = /\\[\s\S]?|[\s\S]/g;

/** The spelling of a path, absolute or beginning with `./`, that means just this path. Within a list its commas need more. */
export function quotePlace(path: string): string {
  return path.replace(SIGN_PATTERN, String.raw`\$&`);
}

/** The path that a word without a pattern means. */
export function unquotePlace(text: string): string {
  return text.includes('\\') ? text.replace(ESCAPE_PATTERN, '$1') : text;
}

/** True where a sign makes a pattern of a word. */
export function isPattern(text: string): boolean {
  return /[*?[]/.test(text) && tokensOf(text).some((token) => /^[*?[]/.test(token));
}

/** The same word as parse-pattern.ts reads it, which knows no sign but those of a pattern. */
export function asPattern(text: string): string {
  if (!text.includes('\\')) return text;
  return tokensOf(text)
    .map((token) => (OTHERS_PATTERN.test(token) ? token.slice(1) : token))
    .join('');
}

/** The characters of a word, those with a backslash before them together with it. */
export function tokensOf(text: string): string[] {
  return text.match(TOKEN_PATTERN) ?? [];
}

/** The name of the set that a word means; undefined: it means a path or a pattern. */
export function setNamed(text: string): string | undefined {
  return text.startsWith('@') ? text.slice(1) : undefined;
}

/** `*.{key,pem}`, but not `${A},${B}`. A comma with a backslash is one of a name. */
const BRACES_PATTERN = /\{(?:\\,|\\(?!,)|[^{},\\])*,[^{}]*\}/;

/**
 * What means something in other languages of patterns, and would be a file here that nobody has: a rule that protects nothing.
 * Undefined: there is nothing of that kind in a list of places, or in one.
 */
export function otherLanguage(text: string): { readonly problem: string; readonly hint: string } | undefined {
  if (BRACES_PATTERN.test(text))
    return {
      problem: 'has braces around a comma',
      hint: String.raw`they mean nothing here, write each: *.key,*.pem (\, is a comma of a name)`,
    };
  if (/(?:^|[^\\],)!/.test(text))
    return {
      problem: 'has a ! before a place',
      hint: 'what is excepted is said by the opposite option, a file so called is ./!x',
    };
  return undefined;
}

/** What a set may be called. */
export const SET_NAME_PATTERN = /^[A-Za-z][\w-]*$/;
