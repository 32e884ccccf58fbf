/**
 * The launcher's image: a static ELF64 executable (elf(5)) that does the system calls it was built from, in order.
 *
 *   file:    ELF header, program headers, code, cell │ rows │ data
 *   memory:  ─────────── R-X ───────────────────────   ── RW- ──
 *
 * The halves share a page of the file and none of memory. Written to a file the image is a program that needs nothing.
 */
import {
  CODE,
  FAILURE_CELL,
  ROW_SIZE,
  RowField,
  RowFlag,
  STOP_CODE,
  TABLE_CELL,
  TOLERATE_ALL,
} from './code.ts';
import {
  ELF_HEADER_SIZE,
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER_SIZE,
  PT_GNU_STACK,
  PT_LOAD,
  SECTION_FIELDS,
  writeElfHeaders,
} from './elf.ts';

/** Bytes in writable memory. Every mention of the same object means the same place. */
export interface Blob {
  readonly bytes: Uint8Array;
  /** 64-bit addresses that are filled in, each `at` bytes from the start, which is a multiple of 8. */
  readonly pointers?: readonly { readonly at: number; readonly to: Place }[];
}

/** A place in the image: in a blob (`offset` bytes from its start), or an argument of a row. */
export type Place =
  | { readonly blob: Blob; readonly offset?: number }
  | { readonly row: Row; readonly argument: number };

/** An argument of a system call: a value, or the address of a place, or of a row as such. */
export type Operand = number | bigint | Place | { readonly start: Row };

/** A system call to do. */
export interface Row {
  /** The step's name in an error message. */
  readonly name: string;
  readonly number: number;
  /** At most six; those not given are 0. */
  readonly arguments: readonly Operand[];
  /** Makes the third argument the environment that the image is started with. */
  readonly environment?: boolean;
  /** Makes the second argument count from where argc is on the stack that the image is started with. */
  readonly stack?: boolean;
  /** No system call (`number` is of no effect): the first argument is stored at the address that the second one is. */
  readonly store?: boolean;
  /** Where the low 32 bits of the result are stored, a negated errno as well. */
  readonly result?: Place;
  /** The one errno that is no failure, or all of them. A failure ends the program. */
  readonly tolerate?: number | 'all';
  /** Makes a result of 0 a failure. */
  readonly stopAtZero?: boolean;
  /** The row to go on at when the result is 0, instead of the next; a number is the address of one that comes to be there. */
  readonly onZero?: Row | number;
  /** The descriptor that is told of a failure; none is when not given. */
  readonly report?: number;
}

const BASE = 0x400000;
const PAGE = 0x1000;
/** With that of a region. */
const PROGRAM_HEADERS = 4;
const CODE_OFFSET = align(ELF_HEADER_SIZE + PROGRAM_HEADERS * PROGRAM_HEADER_SIZE, 16);
const TABLE_OFFSET = CODE_OFFSET + FAILURE_CELL + 8;
/** What is at offset N of the file is at this plus N in writable memory. */
const WRITABLE = BASE + align(TABLE_OFFSET, PAGE);

const SYS_EXIT_GROUP = 231;

/** Memory beside the image's own, all zero: for rows that come later. */
export interface Region {
  readonly address: number;
  readonly size: number;
  /** Holds the address of the row to go on at, once, after a row has failed and said so; 0: the program ends. */
  readonly onFailure: number;
}

/**
 * The executable that does `rows` from the first to the last, and then exits with 125.
 *
 * When a row fails it writes a record of 8 bytes to the row's `report` descriptor, the index of the row (u32) and its result
 * (i32), and exits with 125. Throws a RangeError when a row names another that is not in the table.
 */
export function buildImage(rows: readonly Row[], region?: Region): Buffer {
  const end: Row = { name: 'exit_group', number: SYS_EXIT_GROUP, arguments: [STOP_CODE] };
  const { bytes } = layOut([...rows, end], WRITABLE + TABLE_OFFSET);
  const image = Buffer.alloc(TABLE_OFFSET + bytes.length);
  writeHeaders(image, region);
  CODE.copy(image, CODE_OFFSET);
  image.writeBigUInt64LE(BigInt(WRITABLE + TABLE_OFFSET), CODE_OFFSET + TABLE_CELL);
  image.writeBigUInt64LE(BigInt(region?.onFailure ?? 0), CODE_OFFSET + FAILURE_CELL);
  bytes.copy(image, TABLE_OFFSET);
  return image;
}

/** What all images begin with, whatever rows they have: so many bytes of a file tell whether it is one. */
export const IMAGE_HEAD_SIZE: number = TABLE_OFFSET;

let emptyImage: Buffer | undefined;

/** Whether a file that begins so is an image with a region: it does what its rows say, and nothing else. */
export function isRegionImage(head: Buffer): boolean {
  emptyImage ??= buildImage([], { address: 0, size: 0, onFailure: 0 });
  const own = emptyImage;
  const isSame = (start: number, end: number): boolean =>
    head.subarray(start, end).equals(own.subarray(start, end));
  // Not where sections are, of which a note makes some: they are not loaded.
  return (
    isSame(0, SECTION_FIELDS.offset) &&
    isSame(SECTION_FIELDS.offset + 8, SECTION_FIELDS.count) &&
    isSame(ELF_HEADER_SIZE, ELF_HEADER_SIZE + PROGRAM_HEADER_SIZE) &&
    isSame(CODE_OFFSET, CODE_OFFSET + TABLE_CELL)
  );
}

/**
 * Rows, and behind them their data and others', as they have to lie at an address, a multiple of 8; and where each of them is
 * then.
 */
export function layOut(
  table: readonly Row[],
  base: number,
  others: readonly Blob[] = [],
): { readonly bytes: Buffer; readonly addresses: ReadonlyMap<Row | Blob, number> } {
  const blobs = collectBlobs(table, others);
  const addresses = new Map<Row | Blob, number>();
  let end = base;
  for (const row of table) {
    addresses.set(row, end);
    end += ROW_SIZE;
  }
  for (const blob of blobs) {
    addresses.set(blob, end);
    end = align(end + blob.bytes.length, 8);
  }
  const bytes = Buffer.alloc(end - base);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (const [index, row] of table.entries()) writeRow(words, index * ROW_SIZE, row, index, addresses);
  for (const blob of blobs) {
    const start = addressOf(blob, addresses) - base;
    bytes.set(blob.bytes, start);
    for (const { at, to } of blob.pointers ?? []) {
      if (at % 8 !== 0) throw new RangeError('a pointer is at a multiple of 8');
      writeValue(words, start + at, placeAddress(to, addresses));
    }
  }
  return { bytes, addresses };
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** Every blob, and every one that blobs and rows lead to, each once. */
function collectBlobs(rows: readonly Row[], blobs: readonly Blob[]): ReadonlySet<Blob> {
  const found = new Set<Blob>();
  const visit = (operand: Operand | undefined): void => {
    if (typeof operand !== 'object' || !('blob' in operand) || found.has(operand.blob)) return;
    found.add(operand.blob);
    for (const { to } of operand.blob.pointers ?? []) visit(to);
  };
  for (const blob of blobs) visit({ blob });
  for (const row of rows) {
    for (const operand of row.arguments) visit(operand);
    visit(row.result);
  }
  return found;
}

function addressOf(object: Row | Blob, addresses: ReadonlyMap<Row | Blob, number>): number {
  const address = addresses.get(object);
  if (address === undefined) throw new RangeError('a row leads to one that is not in the table');
  return address;
}

function operandAddress(
  operand: Exclude<Operand, number | bigint>,
  addresses: ReadonlyMap<Row | Blob, number>,
): number {
  return 'start' in operand ? addressOf(operand.start, addresses) : placeAddress(operand, addresses);
}

function placeAddress(place: Place, addresses: ReadonlyMap<Row | Blob, number>): number {
  return 'blob' in place
    ? addressOf(place.blob, addresses) + (place.offset ?? 0)
    : addressOf(place.row, addresses) + RowField.arguments + 8 * place.argument;
}

/** All of a row that is not 0, `at` bytes from the start. A start writes hundreds of rows: no views, no bigints. */
function writeRow(
  words: Int32Array,
  at: number,
  row: Row,
  index: number,
  addresses: ReadonlyMap<Row | Blob, number>,
): void {
  if (row.arguments.length > 6) throw new RangeError(`${row.name}: a system call has at most six arguments`);
  words[(at + RowField.number) >> 2] = row.number;
  words[(at + RowField.flags) >> 2] =
    (row.stopAtZero === true ? RowFlag.stopAtZero : 0) |
    (row.environment === true ? RowFlag.environment : 0) |
    (row.stack === true ? RowFlag.stack : 0) |
    (row.store === true ? RowFlag.store : 0);
  words[(at + RowField.tolerate) >> 2] = row.tolerate === 'all' ? TOLERATE_ALL : (row.tolerate ?? 0);
  words[(at + RowField.report) >> 2] = row.report ?? -1;
  words[(at + RowField.id) >> 2] = index;
  if (row.result !== undefined) writeValue(words, at + RowField.result, placeAddress(row.result, addresses));
  if (row.onZero !== undefined) {
    const next = typeof row.onZero === 'number' ? row.onZero : addressOf(row.onZero, addresses);
    writeValue(words, at + RowField.onZero, next);
  }
  let argument = at + RowField.arguments;
  for (const operand of row.arguments) {
    writeValue(words, argument, typeof operand === 'object' ? operandAddress(operand, addresses) : operand);
    argument += 8;
  }
}

/** 64 bits, `at` bytes from the start. */
function writeValue(words: Int32Array, at: number, value: number | bigint): void {
  if (typeof value === 'bigint' || !Number.isSafeInteger(value)) {
    const bits = BigInt(value);
    words[at >> 2] = Number(BigInt.asIntN(32, bits));
    words[(at >> 2) + 1] = Number(BigInt.asIntN(32, bits >> 32n));
  } else {
    words[at >> 2] = value | 0;
    words[(at >> 2) + 1] = Math.floor(value / 2 ** 32) | 0;
  }
}

function writeHeaders(image: Buffer, region: Region | undefined): void {
  const size = image.length - TABLE_OFFSET;
  const code = { offset: 0, address: BASE, fileSize: TABLE_OFFSET, memorySize: TABLE_OFFSET };
  const data = {
    offset: TABLE_OFFSET,
    address: WRITABLE + TABLE_OFFSET,
    fileSize: size,
    memorySize: size,
  };
  const none = { offset: 0, address: 0, fileSize: 0, memorySize: 0 };
  const beside = region && { ...none, address: region.address, memorySize: region.size };
  writeElfHeaders(image, BASE + CODE_OFFSET, [
    { type: PT_LOAD, flags: PF_R | PF_X, ...code },
    { type: PT_LOAD, flags: PF_R | PF_W, ...data },
    ...(beside ? [{ type: PT_LOAD, flags: PF_R | PF_W, ...beside } as const] : []),
    { type: PT_GNU_STACK, flags: PF_R | PF_W, ...none },
  ]);
}
