/** The environment of this process in memory (environ(7)), where variables can be changed in their place, bytes and all. */
import koffi from 'koffi';

const POINTER_SIZE = 8;

/**
 * Gives variables their first byte back that was replaced by another: those that begin with `replaced` and then the rest of
 * one of the prefixes. The prefixes differ in their second byte.
 */
export function restoreFirstBytes(replaced: number, prefixes: readonly string[]): void {
  const letters = new Map(prefixes.map((prefix) => [prefix.charCodeAt(1), prefix.charCodeAt(0)]));
  const strings: bigint = BigInt(decode(koffi.load(null).symbol('environ'), 0, 'uintptr_t'));
  for (let at = 0; ; at += POINTER_SIZE) {
    const variable = BigInt(decode(strings, at, 'uintptr_t'));
    if (variable === 0n) return;
    if (decode(variable, 0, 'uint8_t') !== replaced) continue;
    const first = letters.get(Number(decode(variable, 1, 'uint8_t')));
    if (first !== undefined) koffi.encode(variable, 'uint8_t', first);
  }
}

function decode(place: unknown, offset: number, type: string): number | bigint {
  const value: number | bigint = koffi.decode(place, offset, type);
  return value;
}
