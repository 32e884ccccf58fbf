/** The data that rows point at: strings, string arrays, filters, records. */
import type { Blob, Row } from './image.ts';
import { RECORD_SIZE } from './code.ts';

/** A blob of which rows make use as memory of their own. */
export function zeros(size: number): Blob & { readonly bytes: Buffer } {
  return { bytes: Buffer.alloc(size) };
}

/** A string as C has it. Throws a RangeError when it holds a NUL, which would cut it short. */
export function stringBlob(text: string | Uint8Array): Blob {
  const bytes = Buffer.from(text);
  if (bytes.includes(0)) throw new RangeError('a path or an argument may not contain a NUL byte');
  return { bytes: Buffer.concat([bytes, Buffer.alloc(1)]) };
}

/** An array of pointers to strings that ends in a null, as execve(2) takes it. */
export function stringArrayBlob(texts: readonly (string | Uint8Array)[]): Blob {
  return {
    bytes: Buffer.alloc(8 * (texts.length + 1)),
    pointers: texts.map((text, index) => ({ at: 8 * index, to: { blob: stringBlob(text) } })),
  };
}

/** A struct sock_fprog for the instructions (struct sock_filter[]). Throws a RangeError on half an instruction. */
export function filterBlob(instructions: Uint8Array): Blob {
  const count = instructions.length / 8;
  if (!Number.isInteger(count)) throw new RangeError('a filter is a whole number of instructions');
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(count, 0);
  return { bytes, pointers: [{ at: 8, to: { blob: { bytes: instructions } } }] };
}

/** A record to send; its value is filled in by the row whose result goes to `recordValue`. */
export function recordBlob(kind: number): Blob {
  const bytes = Buffer.alloc(RECORD_SIZE);
  bytes.writeUInt32LE(kind, 0);
  return { bytes };
}

/** Where a record has its value. */
export function recordValue(record: Blob): NonNullable<Row['result']> {
  return { blob: record, offset: 4 };
}
