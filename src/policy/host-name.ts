/** Names of hosts that a person gives (RFC 1035, RFC 5890), and as they are written again. */
import { domainToASCII } from 'node:url';
import type { HostName } from './destinations.ts';
import { ValueError } from './value-error.ts';

const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;
/** What may be meant by a host that is no address; all else ASCII means something to a URL. */
const NAME_PATTERN = /^[\w.\-\u0080-\u{10ffff}]+$/u;
const LABEL_PATTERN = /^[a-z\d_-]+$/;
/** So ends what some programs take for an address: `1.2.3`, `0x7f.1`. */
const NUMBER_PATTERN = /^(?:\d+|0x[\da-f]*)$/;
const ZONE = '*.';

/**
 * `db.internal`, `*.example.org` (what is below it, at any depth), `*` (any name); in Unicode or as A-labels, in any case, with a dot
 * at the end or without. Throws a ValueError.
 */
export function parseHostName(text: string): HostName {
  if (text === '*') return { labels: [], zone: true };
  const zone = text.startsWith(ZONE);
  const written = zone ? text.slice(ZONE.length) : text;
  if (written.includes('*')) {
    throw new ValueError('has a * that is not its first label', {
      hint: '*.example.org is what lies below example.org',
    });
  }
  return { labels: labelsOf(written), zone };
}

/** `*.example.org`. */
export function formatHostName({ labels, zone }: HostName): string {
  if (labels.length === 0) return '*';
  return `${zone ? ZONE : ''}${labels.join('.')}`;
}

function labelsOf(written: string): string[] {
  const ascii = NAME_PATTERN.test(written) ? toAscii(written) : '';
  if (ascii === '')
    throw new ValueError('is no name of a host', { hint: 'expected one like db.example.org' });
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  const labels = name.split('.');
  if (labels.includes('')) throw new ValueError('has an empty label');
  if (!labels.every((label) => LABEL_PATTERN.test(label))) throw new ValueError('is no name of a host');
  if (name.length > LONGEST_NAME) throw new ValueError(`is longer than ${LONGEST_NAME} characters`);
  if (labels.some(({ length }) => length > LONGEST_LABEL))
    throw new ValueError(`has a label of more than ${LONGEST_LABEL} characters`);
  if (NUMBER_PATTERN.test(labels.at(-1) ?? ''))
    throw new ValueError('ends in a number, as addresses do, and is none');
  return labels;
}

/** Empty where it is none. What is ASCII is only put in lower case: names that no registry gives out are names too. */
function toAscii(written: string): string {
  const isAscii = !/[^\0-\u007f]/.test(written);
  return isAscii ? written.toLowerCase() : domainToASCII(written);
}
