/** What we use of the library. What it reads is nobody's word: it is looked at before it is believed. */
declare module 'dns-packet' {
  /** Throws whatever it comes across. */
  export function decode(bytes: Buffer): unknown;
  export function encode(message: object): Buffer;
}
