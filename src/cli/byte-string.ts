/** Words of the command line and lines of a file, kept lossless: a string in which each character is one byte. */
import { escapeBytes } from '../report/escape.ts';

/** Bytes decoded as latin1. */
export type ByteString = string;

/** Nothing of it is escaped. */
const PLAIN_PATTERN = /^[ -[\]-~]*$/;

/** The bytes of it. */
export function toBytes(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}

/** From ordinary text, which the system sees as UTF-8. */
export function fromText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** As it can be shown to a person: UTF-8 decoded, control bytes and the like escaped. */
export function printable(text: ByteString): string {
  // Most words, of sets hundreds.
  if (PLAIN_PATTERN.test(text)) return text;
  return escapeBytes(toBytes(text));
}
