/**
 * What a test tells the raw-call probe, and what it hears from it: system calls by number, so that no wrapper of libc
 * decides which call is made.
 */
export type Argument =
  /** An integer; as text where it has more than 53 bits. */
  | number
  | string
  /** NUL-terminated text. `{name}` stands for the result of the step that was saved under that name. */
  | { readonly path: string }
  /** NUL-terminated bytes in hexadecimal. */
  | { readonly pathHex: string }
  /** Exactly these bytes, in hexadecimal. */
  | { readonly hex: string }
  /** NUL-terminated text whose NUL is the last byte before an unmapped page; `cut` leaves the NUL out. */
  | { readonly edge: string; readonly cut?: boolean }
  /** The result of a saved step; `garbage` is put into the upper half of the register. */
  | { readonly saved: string; readonly garbage?: number }
  /** Little-endian fields of 2, 4 or 8 bytes, in order. */
  | { readonly fields: readonly (readonly [bytes: 2 | 4 | 8, value: Argument])[] };

export interface Step {
  readonly label: string;
  readonly number: number;
  readonly arguments: readonly Argument[];
  /** Keeps the result under this name. */
  readonly save?: string;
}

export interface StepResult {
  readonly label: string;
  /** The result, or -1. */
  readonly result: number;
  /** 0 where the call succeeded. */
  readonly errno: number;
}
