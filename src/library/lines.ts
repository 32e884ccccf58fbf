/** A stream of lines of JSON, one object each. */
import type { Readable } from 'node:stream';

/** Tells what each line holds. A last one without its line break was cut off, and is told to nobody. */
export function readJsonLines(stream: Readable, told: (value: unknown) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) told(JSON.parse(line));
  });
}
