/** Ports that a person gives. */
import type { Port } from './policy.ts';
import { ValueError } from './value-error.ts';

const MAX_PORT = 65535;
const PORTS_PATTERN = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** `443`, or a range: `8000-8010`. Port 0 is refused: nothing can be sent there. */
export function parsePorts(word: string): Port[] {
  const [, firstText, lastText = firstText] = PORTS_PATTERN.exec(word) ?? [];
  if (firstText === undefined || lastText === undefined) {
    throw new ValueError('is not a port', {
      hint: `expected a number from 1 to ${MAX_PORT}, or a range 8000-8010`,
    });
  }
  const first = parsePort(firstText);
  const last = parsePort(lastText);
  if (last < first)
    throw new ValueError('is a range that ends before it starts', { hint: `did you mean ${last}-${first}?` });
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function parsePort(digits: string): Port {
  const port = Number(digits);
  if (port < 1 || port > MAX_PORT)
    throw new ValueError('is out of range', { hint: `ports are 1 to ${MAX_PORT}` });
  if (digits.startsWith('0')) throw new ValueError('has leading zeros', { hint: `did you mean ${port}?` });
  return port;
}
