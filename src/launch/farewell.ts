/** Rows that end a process with a line for whoever started it. */
import { X86_64 } from '../linux/syscalls.ts';
import type { Row } from './image.ts';

const STANDARD_ERROR = 2;

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
