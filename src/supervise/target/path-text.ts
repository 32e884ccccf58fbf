/** The text of a path, cut as path_resolution(7) cuts it. */
import { terminated } from '../../linux/files.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** The last component of a path is `.`, `..` or nothing but slashes: no entry can be made or removed there. */
export interface NoName {
  readonly kind: 'no-name';
  readonly last: 'dot' | 'dotdot' | 'root';
}

export type LastComponent =
  | {
      readonly kind: 'name';
      readonly parent: Uint8Array;
      readonly name: Uint8Array;
      readonly trailingSlash: boolean;
    }
  | NoName;

/** Cuts the last component off. The rest keeps its slash, so that only a directory will do. */
export function splitLast(path: Uint8Array): LastComponent {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end -= 1;
  if (end === 0) return { kind: 'no-name', last: 'root' };
  let begin = end;
  while (begin > 0 && path[begin - 1] !== SLASH) begin -= 1;
  const name = path.subarray(begin, end);
  if (name.length === 1 && name[0] === DOT) return { kind: 'no-name', last: 'dot' };
  if (name.length === 2 && name[0] === DOT && name[1] === DOT) return { kind: 'no-name', last: 'dotdot' };
  return { kind: 'name', parent: path.subarray(0, begin), name, trailingSlash: end < path.length };
}

/** Paths read from a target have their NUL right behind them in the same memory; others are copied. */
export function terminatedView(path: Uint8Array): Uint8Array {
  const end = path.byteOffset + path.byteLength;
  if (end < path.buffer.byteLength) {
    const behind = new Uint8Array(path.buffer, path.byteOffset, path.byteLength + 1);
    if (behind[path.byteLength] === 0) return behind;
  }
  return terminated(path);
}
