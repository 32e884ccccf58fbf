/**
 * DNS messages (RFC 1035, RFC 6891). Reading and writing them is a library's work; nothing that it returns or throws is trusted: bytes are
 * bounded before it sees them, and what it made of them is checked. Import it lazily, only where names are judged.
 */
import { decode, encode } from 'dns-packet';
import { parseAddress } from '../../policy/networks.ts';
import { ResponseCode, type AskedType, type DnsRecord, type RecordData } from './record.ts';
import { withoutHints } from './service-parameters.ts';

const HEADER_SIZE = 12;
const Flag = { response: 0x8000, truncated: 0x200, recursion: 0x100, available: 0x80 } as const;
const OPCODE_MASK = 0x7800;
const CODE_MASK = 0xf;
const CLASS_IN = 1;
/** No longer question is read: a name of 255 bytes and options. */
const LONGEST_QUESTION = 4096;
/** No longer answer is, and of no more records: reading one that was made for it takes longer than linear. */
const LONGEST_ANSWER = 16_384;
const MOST_RECORDS = 512;
/** What a client takes that says nothing of it, and what we say that we take (RFC 6891). */
const PLAIN_SIZE = 512;
const OUR_SIZE = 4096;
const LONGEST_POINTER = 0x3fff;
/** Letters, digits, hyphens and underscores: the names that hosts and services have. No other question leaves the machine. */
const NAME_PATTERN = /^(?=.{1,253}$)[\w-]{1,63}(?:\.[\w-]{1,63})*$/;

const NUMBERS: Readonly<Record<number, AskedType>> = {
  1: 'A',
  5: 'CNAME',
  12: 'PTR',
  28: 'AAAA',
  33: 'SRV',
  64: 'SVCB',
  65: 'HTTPS',
};
/** As the library names what it does not know. */
const LIBRARY_NAMES: Readonly<Record<AskedType, string>> = {
  A: 'A',
  AAAA: 'AAAA',
  CNAME: 'CNAME',
  PTR: 'PTR',
  SRV: 'SRV',
  SVCB: 'UNKNOWN_64',
  HTTPS: 'UNKNOWN_65',
};

/** A question as it arrived. */
export interface Question {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** The question's own bytes, which the answer repeats. */
  readonly section: Buffer;
  /** As it is written, without the dot at the end; undefined: no name that a host or service has. */
  readonly name: string | undefined;
  /** Undefined: none that is asked for us. */
  readonly type: AskedType | undefined;
  readonly isInternet: boolean;
  readonly extended: boolean;
  /** The longest answer in a datagram. */
  readonly size: number;
}

/** Undefined: nothing that is answered. A Buffer is the answer to what is no question that can be read. */
export function readQuestion(bytes: Buffer): Question | Buffer | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & Flag.response) !== 0) return undefined;
  if ((flags & OPCODE_MASK) !== 0) return bareAnswer(bytes, ResponseCode.notImplemented);
  const end = bytes.length > LONGEST_QUESTION ? 0 : questionEnd(bytes);
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  if (end === 0 || counts[0] !== 1 || counts[1] !== 0 || counts[2] !== 0 || (counts[3] ?? 0) > 2)
    return bareAnswer(bytes, ResponseCode.formatError);
  const message = decoded(bytes);
  const name = textOf(firstOf(message, 'questions'), 'name');
  if (name === undefined) return bareAnswer(bytes, ResponseCode.formatError);
  const options = listOf(message, 'additionals').find((one) => textOf(one, 'type') === 'OPT');
  const size = options === undefined ? PLAIN_SIZE : (numberOf(options, 'udpPayloadSize') ?? PLAIN_SIZE);
  const section = Buffer.from(bytes.subarray(HEADER_SIZE, end));
  // What the library reads as text stands for these very bytes, no others.
  const isPlain = NAME_PATTERN.test(name) && name.length + 2 === section.length - 4;
  return {
    id: bytes.readUInt16BE(0),
    recursionDesired: (flags & Flag.recursion) !== 0,
    section,
    name: isPlain && writesAs(name, section) ? name : undefined,
    type: NUMBERS[bytes.readUInt16BE(end - 4)],
    isInternet: bytes.readUInt16BE(end - 2) === CLASS_IN,
    extended: options !== undefined,
    size: Math.max(PLAIN_SIZE, Math.min(size, OUR_SIZE)),
  };
}

/** Where the one question ends; 0 where it does not, or refers to other places. */
function questionEnd(bytes: Buffer): number {
  let at = HEADER_SIZE;
  for (let length = bytes[at] ?? 0xff; length !== 0; length = bytes[at] ?? 0xff) {
    if (length > 63) return 0;
    at += length + 1;
  }
  return at + 5 <= bytes.length && at - HEADER_SIZE < 255 ? at + 5 : 0;
}

/** Whether a section begins with the labels of a name, dots between them. */
function writesAs(name: string, section: Buffer): boolean {
  let at = 0;
  for (const label of name.split('.')) {
    if (section[at] !== label.length) return false;
    if (section.toString('latin1', at + 1, at + 1 + label.length) !== label) return false;
    at += label.length + 1;
  }
  return section[at] === 0;
}

function bareAnswer(bytes: Buffer, code: number): Buffer {
  const answer = Buffer.alloc(HEADER_SIZE);
  answer.writeUInt16BE(bytes.readUInt16BE(0), 0);
  answer.writeUInt16BE(Flag.response | (bytes.readUInt16BE(2) & (OPCODE_MASK | Flag.recursion)) | code, 2);
  return answer;
}

/** Our own question in the place of a client's: nothing of that is in it but the name, the type, and whether it is an extended one. */
export function writeQuestion(id: number, name: string, type: AskedType, extended: boolean): Buffer {
  const options = { type: 'OPT', name: '.', udpPayloadSize: OUR_SIZE, flags: 0, options: [] };
  return encode({
    type: 'query',
    id,
    flags: Flag.recursion,
    questions: [{ name, type: LIBRARY_NAMES[type], class: 'IN' }],
    additionals: extended ? [options] : [],
  });
}

/** What a resolver says. */
export interface Answer {
  readonly code: number;
  readonly truncated: boolean;
  /** Of these types, as far as they can be read; parameters of services without addresses. */
  readonly records: readonly DnsRecord[];
}

/** Undefined: no answer to that question. 'broken': it is, and cannot be read. */
export function readAnswer(
  bytes: Buffer,
  asked: { readonly id: number; readonly name: string; readonly type: AskedType },
): Answer | 'broken' | undefined {
  if (bytes.length < HEADER_SIZE || bytes.readUInt16BE(0) !== asked.id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & Flag.response) === 0 || bytes.readUInt16BE(4) !== 1) return undefined;
  const end = questionEnd(bytes);
  if (end === 0 || NUMBERS[bytes.readUInt16BE(end - 4)] !== asked.type) return undefined;
  if (!writesAs(asked.name, lowerCase(bytes.subarray(HEADER_SIZE, end)))) return undefined;
  const truncated = (flags & Flag.truncated) !== 0;
  const code = flags & CODE_MASK;
  const isReadable = bytes.length <= LONGEST_ANSWER && bytes.readUInt16BE(6) <= MOST_RECORDS;
  const message = isReadable ? decoded(answersOnly(bytes)) : undefined;
  if (message === undefined) return truncated ? { code, truncated, records: [] } : 'broken';
  const records = listOf(message, 'answers').map((one) => recordOf(one));
  return { code, truncated, records: records.filter((one) => one !== undefined) };
}

function lowerCase(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}

/** Nothing is wanted of the sections behind the answers. */
function answersOnly(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0, 8, HEADER_SIZE);
  return copy;
}

function recordOf(one: object): DnsRecord | undefined {
  const owner = hostName(textOf(one, 'name'));
  const timeToLive = numberOf(one, 'ttl');
  if (owner === undefined || timeToLive === undefined || textOf(one, 'class') !== 'IN') return undefined;
  if (!('data' in one) || ('flush' in one && one.flush === true)) return undefined;
  const data = dataOf(textOf(one, 'type'), one.data);
  // RFC 2181: a time with the highest bit set is none.
  return data && { owner, timeToLive: timeToLive > 0x7fff_ffff ? 0 : timeToLive, data };
}

function dataOf(type: string | undefined, data: unknown): RecordData | undefined {
  switch (type) {
    case 'A':
    case 'AAAA': {
      const address = typeof data === 'string' ? parseAddress(data) : undefined;
      if (address === undefined || typeof data !== 'string' || data.includes(':') !== (type === 'AAAA'))
        return undefined;
      return { type, address, text: data };
    }
    case 'CNAME':
    case 'PTR': {
      const target = hostName(typeof data === 'string' ? data : undefined);
      return target === undefined ? undefined : { type, target };
    }
    case 'SRV': {
      if (typeof data !== 'object' || data === null) return undefined;
      const [priority, weight, port] = ['priority', 'weight', 'port'].map((key) => numberOf(data, key));
      const said = textOf(data, 'target');
      const target = said === '.' ? said : hostName(said);
      if (priority === undefined || weight === undefined || port === undefined || target === undefined)
        return undefined;
      return { type, priority, weight, port, target };
    }
    case LIBRARY_NAMES.HTTPS:
    case LIBRARY_NAMES.SVCB: {
      const bytes = Buffer.isBuffer(data) ? withoutHints(data) : undefined;
      return bytes && { type: type === LIBRARY_NAMES.HTTPS ? 'HTTPS' : 'SVCB', bytes };
    }
    case undefined:
    default:
      return undefined;
  }
}

/** Lower case; undefined where it is no name of a host or service. */
function hostName(text: string | undefined): string | undefined {
  return text !== undefined && NAME_PATTERN.test(text) ? text.toLowerCase() : undefined;
}

/**
 * The answer to a question.
 * @param limit bytes; what does not fit is left out, and that is said
 * @param truncated the resolver has left something out
 */
export function writeAnswer(
  question: Question,
  code: number,
  records: readonly DnsRecord[],
  limit: number,
  truncated = false,
): Buffer {
  const options = question.extended ? OPTIONS : NOTHING;
  const places = new Map([[question.name?.toLowerCase() ?? '', HEADER_SIZE]]);
  const parts: Buffer[] = [];
  let size = HEADER_SIZE + question.section.length;
  let isCut = truncated;
  for (const record of records) {
    const part = writeRecord(record, places.get(record.owner) ?? Infinity);
    if (size + part.length + options.length > limit) {
      isCut = true;
      break;
    }
    // The owner is two bytes long then, and ten follow before the data.
    if (record.data.type === 'CNAME' && places.has(record.owner)) places.set(record.data.target, size + 12);
    parts.push(part);
    size += part.length;
  }
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt16BE(question.id, 0);
  const recursion = question.recursionDesired ? Flag.recursion : 0;
  header.writeUInt16BE(Flag.response | (isCut ? Flag.truncated : 0) | recursion | Flag.available | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(parts.length, 6);
  header.writeUInt16BE(question.extended ? 1 : 0, 10);
  return Buffer.concat([header, question.section, ...parts, options]);
}

const NOTHING = Buffer.alloc(0);
/** An OPT record: root, type 41, the size that we take, nothing else. */
const OPTIONS = Buffer.from([0, 0, 41, OUR_SIZE >> 8, OUR_SIZE & 0xff, 0, 0, 0, 0, 0, 0]);

/** @param place where the owner's name stands already; Infinity: nowhere */
function writeRecord({ owner, timeToLive, data }: DnsRecord, place: number): Buffer {
  const isReferred = place <= LONGEST_POINTER;
  const name = isReferred ? '.' : owner;
  const record = { name, type: LIBRARY_NAMES[data.type], class: 'IN', ttl: timeToLive, data: written(data) };
  const bytes = encode({ type: 'response', answers: [record] }).subarray(HEADER_SIZE);
  return isReferred
    ? Buffer.concat([Buffer.from([0xc0 | (place >> 8), place & 0xff]), bytes.subarray(1)])
    : bytes;
}

function written(data: RecordData): unknown {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.text;
    case 'CNAME':
    case 'PTR':
      return data.target;
    case 'SRV':
      return { priority: data.priority, weight: data.weight, port: data.port, target: data.target };
    case 'HTTPS':
    case 'SVCB':
      return data.bytes;
  }
}

function decoded(bytes: Buffer): object | undefined {
  try {
    const message = decode(bytes);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

function listOf(message: object | undefined, key: string): readonly object[] {
  const list: unknown = message === undefined ? undefined : Reflect.get(message, key);
  return Array.isArray(list)
    ? list.filter((one): one is object => typeof one === 'object' && one !== null)
    : [];
}

function firstOf(message: object | undefined, key: string): object {
  return listOf(message, key)[0] ?? {};
}

function textOf(one: object, key: string): string | undefined {
  const value: unknown = Reflect.get(one, key);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(one: object, key: string): number | undefined {
  const value: unknown = Reflect.get(one, key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
