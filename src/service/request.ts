/** What a client asks a service for (launch/client.ts): JSON, so that a client of another version is understood to be one. */

const VERSION = 1;
/** Longer ones are refused before anybody reads them. */
export const LONGEST_REQUEST = 0x1_0000;

/** What the command is to run under. */
export type Wanted =
  /** A sandbox that the service's owner has opened, by its token. */
  | { readonly kind: 'sandbox'; readonly token: string }
  /** A policy by its options, without anything relative in them. Undefined: the service's own. */
  | { readonly kind: 'policy'; readonly options: readonly Buffer[] | undefined }
  /** Nothing: to be told which sandboxes there are. */
  | { readonly kind: 'status'; readonly json: boolean };

export type PolicyWanted = Exclude<Wanted, { readonly kind: 'status' }>;

export interface ServiceRequest {
  readonly wanted: Wanted;
  /** What the command begins with, before the client's arguments without the first one. */
  readonly words: readonly Buffer[];
}

/** Words are bytes: in JSON each byte is a character (ISO 8859-1). */
export function encodeRequest({ wanted, words }: ServiceRequest): Buffer {
  const text = JSON.stringify({
    version: VERSION,
    ...(wanted.kind === 'sandbox' && { sandbox: wanted.token }),
    ...(wanted.kind === 'status' && { status: wanted.json ? 'json' : 'text' }),
    ...(wanted.kind === 'policy' && wanted.options && { options: wanted.options.map(textOfWord) }),
    words: words.map(textOfWord),
  });
  return Buffer.from(text, 'latin1');
}

/** The request, or what is wrong with it. */
export function decodeRequest(message: Buffer): ServiceRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(message.toString('latin1'));
  } catch {
    return 'a request that is no JSON';
  }
  if (typeof value !== 'object' || value === null) return 'a request that is no object';
  const { version, sandbox, options, status, words } = Object.fromEntries<unknown>(Object.entries(value));
  if (version !== VERSION) return `a request of version ${String(version)}; this service knows ${VERSION}`;
  const given = wordsIn(words);
  if (given === undefined) return 'a request without words';
  if (status === 'json' || status === 'text') {
    return { wanted: { kind: 'status', json: status === 'json' }, words: given };
  }
  if (typeof sandbox === 'string') return { wanted: { kind: 'sandbox', token: sandbox }, words: given };
  const named = options === undefined ? undefined : wordsIn(options);
  if (options !== undefined && named === undefined) return 'a request with options that are no words';
  return { wanted: { kind: 'policy', options: named }, words: given };
}

/** A word as it stands in JSON. */
export function textOfWord(word: Buffer): string {
  return word.toString('latin1');
}

/** Words as they stand in JSON, without NUL; undefined for anything else. */
export function wordsIn(value: unknown): Buffer[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const words: Buffer[] = [];
  for (const word of value as readonly unknown[]) {
    if (typeof word !== 'string' || word.includes('\0')) return undefined;
    words.push(Buffer.from(word, 'latin1'));
  }
  return words;
}
