/** Words so spelt that a shell gives them back: a suggestion can be pasted. */
import { escapeBytes } from './escape.ts';

/** What no shell takes for anything but itself. */
const BARE_PATTERN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Bare, in single quotes, or in $'…' (bash, zsh, ksh) where bytes have to be spelt. */
export function shellQuote(word: Uint8Array): string {
  const text = escapeBytes(word);
  const bytes = Buffer.from(word);
  if (BARE_PATTERN.test(text)) return text;
  if (isPlain(text, bytes)) return `'${bytes.toString().replaceAll("'", String.raw`'\''`)}'`;
  return `$'${text.replaceAll("'", String.raw`\'`)}'`;
}

/** True where nothing but backslashes was escaped. */
function isPlain(text: string, bytes: Buffer): boolean {
  return text.replaceAll('\\\\', '\\') === bytes.toString() && Buffer.from(bytes.toString()).equals(bytes);
}
