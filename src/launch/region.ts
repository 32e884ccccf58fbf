/** Memory of the client's for what a service sends it, at addresses that the service knows. */
import type { Region as ImageRegion } from './image.ts';

const ADDRESS = 0x1000_0000;
const HEADER = 0x100;
const TABLE_SIZE = 0x8_0000;
const WORD_SIZE = 0x8_0000;

export const Region = {
  address: ADDRESS,
  size: HEADER + TABLE_SIZE + WORD_SIZE,
  onFailure: ADDRESS,
  /** Rows that put a policy in force, and what they point at. */
  table: ADDRESS + HEADER,
  tableSize: TABLE_SIZE,
  /** Rows that come last: those that execute the command, or say why nothing is executed. */
  word: ADDRESS + HEADER + TABLE_SIZE,
  wordSize: WORD_SIZE,
} as const satisfies ImageRegion & Record<string, number>;
