/** How wide text is on a terminal. An estimate to align by: terminals and fonts differ. */

/** Columns of a text that holds nothing but printable characters. */
export function columnsOf(text: string): number {
  // Most names are ASCII.
  if (/^[ -~]*$/.test(text)) return text.length;
  return Array.from(text).reduce((sum, character) => sum + columnsOfCharacter(character), 0);
}

/** Columns that no terminal needs more of: each character outside of ASCII is taken for a wide one. */
export function mostColumnsOf(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + (/[ -~]/.test(character) ? 1 : 2), 0);
}

/** Like padEnd(), in columns. */
export function padToColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

function columnsOfCharacter(character: string): number {
  // Marks that join the character before them; vowels and final consonants of Hangul join too.
  if (/[\p{Mn}\p{Me}\u1160-\u11ff]/u.test(character)) return 0;
  return isWide(character) ? 2 : 1;
}

/** East Asian scripts and their full-width forms, and emoji, of which the letters of flags are one column each (UAX 11). */
function isWide(character: string): boolean {
  return (
    /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f]/u.test(
      character,
    ) ||
    /[\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18d08}\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u.test(
      character,
    ) ||
    /(?!\p{RI})\p{Emoji_Presentation}/u.test(character)
  );
}
