/** The bytes that mean something in a pattern. */

export const SLASH = 0x2f;
export const BACKSLASH = 0x5c;
export const STAR = 0x2a;
export const QUESTION_MARK = 0x3f;
export const OPENING = 0x5b;
export const CLOSING = 0x5d;
export const DASH = 0x2d;
export const EXCLAMATION_MARK = 0x21;
export const CIRCUMFLEX = 0x5e;
export const DOT = 0x2e;

/** Of these a backslash takes the meaning away; before any other byte it is a backslash. */
const SPECIAL: ReadonlySet<number> = new Set([STAR, QUESTION_MARK, OPENING, CLOSING, BACKSLASH]);

export function isSpecial(byte: number | undefined): boolean {
  return byte !== undefined && SPECIAL.has(byte);
}

/** True where a backslash stands that takes the meaning of the next byte away. */
export function isEscape(word: Uint8Array, at: number): boolean {
  return word[at] === BACKSLASH && isSpecial(word[at + 1]);
}
