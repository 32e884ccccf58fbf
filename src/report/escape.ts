/**
 * Bytes from outside, made safe to print: on a terminal they move no cursor, colour nothing, and hide nothing.
 * Lossless: every byte that is not printable UTF-8 becomes `\xNN`, and a backslash `\\`.
 */

const PLAIN_BYTES_PATTERN = /^[ -[\]-~]*$/;
const BACKSLASH = 0x5c;
const ESCAPE_PATTERN = /\\(?:x([0-9a-f]{2})|\\)/g;

/** The escaped text of some bytes. */
export function escapeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const latin1 = buffer.toString('latin1');
  if (PLAIN_BYTES_PATTERN.test(latin1)) return latin1;
  let text = '';
  for (let i = 0; i < buffer.length;) {
    const length = sequenceLength(buffer, i);
    const sequence = buffer.subarray(i, i + length);
    text += length === 1 ? escapeByte(sequence[0] ?? 0) : escapeSequence(sequence);
    i += length;
  }
  return text;
}

/** The bytes of an escaped text. */
export function unescapeBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const unescaped = bytes.replace(ESCAPE_PATTERN, (_, hex?: string) =>
    hex === undefined ? '\\' : String.fromCodePoint(Number.parseInt(hex, 16)),
  );
  return Buffer.from(unescaped, 'latin1');
}

function escapeByte(byte: number): string {
  if (byte === BACKSLASH) return '\\\\';
  return byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : hexEscape(byte);
}

function escapeSequence(sequence: Buffer): string {
  const character = sequence.toString('utf8');
  return isUnsafe(character) || isBlank(character) ? Array.from(sequence, hexEscape).join('') : character;
}

/** Control and format characters, bidirectional ones among them, line separators, private and unassigned code points. */
function isUnsafe(character: string): boolean {
  // Here, where few come by: the making of such a pattern is a part of every start otherwise.
  return /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(character);
}

/** Blanks that are not the space, the blank Braille pattern among them: they look like nothing or like another name. */
function isBlank(character: string): boolean {
  return /[^\P{Zs} ]|\u2800/u.test(character);
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Bytes of the UTF-8 sequence that starts here; 1 where none does (RFC 3629, section 4). */
function sequenceLength(bytes: Buffer, start: number): number {
  const [lead = 0, second = 0] = bytes.subarray(start, start + 2);
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || start + length > bytes.length) return 1;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 1;
  for (let i = start + 2; i < start + length; i += 1) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 1;
  return length;
}
