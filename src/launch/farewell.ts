/** Rows that end a process with a line for whoever started it. */
import { X86_64 } from '../linux/syscalls.ts';
import type { Row } from './image.ts';

const STANDARD_ERROR = 2;

const STANDARD_OUTPUT = 1;
/** What a pipe takes at once (pipe(7), PIPE_BUF). */
const PIECE = 4096;

/** Text for standard output; then the end. */
export function printingRows(text: Buffer): Row[] {
  const pieces = Math.ceil(text.length / PIECE);
  const [, end] = farewellRows('', 0);
  return [
    ...Array.from({ length: pieces }, (_, index): Row => {
      const bytes = text.subarray(index * PIECE, (index + 1) * PIECE);
      return {
        name: 'write',
        number: X86_64.write,
        arguments: [STANDARD_OUTPUT, { blob: { bytes } }, bytes.length],
        tolerate: 'all',
      };
    }),
    end,
  ];
}

/** @param text a whole line */
export function farewellRows(text: string, exitCode: number): [Row, Row] {
  const bytes = Buffer.from(text);
  return [
    {
      name: 'write',
      number: X86_64.write,
      arguments: [STANDARD_ERROR, { blob: { bytes } }, bytes.length],
      tolerate: 'all',
    },
    { name: 'exit_group', number: X86_64.exit_group, arguments: [exitCode] },
  ];
}
