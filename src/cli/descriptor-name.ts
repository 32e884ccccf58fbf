/** Names of descriptors among the words: `/dev/fd/3`, `/proc/self/fd/3`, and what else means an entry of this process. */
import { isHandedDown } from '../linux/handed-descriptors.ts';
import { ValueError } from '../policy/value-error.ts';
import type { ByteString } from './byte-string.ts';

const STANDARD_STREAMS: ReadonlyMap<string, number> = new Map([
  ['/dev/stdin', 0],
  ['/dev/stdout', 1],
  ['/dev/stderr', 2],
]);
const NAME_PATTERN =
  /^(?:\/dev\/fd|\/proc\/(?<process>self|thread-self|\d{1,9})(?:\/task\/\d+)?\/fd)\/(?<number>\d{1,9})$/;

/** The number of the descriptor that a path names; undefined: none of this process. */
export function descriptorNamed(text: ByteString): number | undefined {
  if (!text.startsWith('/dev/') && !text.startsWith('/proc/')) return undefined;
  const stream = STANDARD_STREAMS.get(text);
  if (stream !== undefined) return stream;
  const { process: owner, number } = NAME_PATTERN.exec(text)?.groups ?? {};
  if (number === undefined) return undefined;
  return owner === undefined || !/^\d/.test(owner) || Number(owner) === process.pid
    ? Number(number)
    : undefined;
}

/** Throws a ValueError where a path names a descriptor that nobody gave us. @param sign of the redirection that would have */
export function refuseForeign(descriptor: number | undefined, sign: '<' | '>'): void {
  if (descriptor === undefined || isHandedDown(descriptor)) return;
  throw new ValueError('is no descriptor that secfilt was started with', {
    hint: `did you forget ${descriptor}${sign}FILE?`,
  });
}
