/**
 * The launcher's image: a static ELF64 executable (elf(5)) that does the system calls it was built from, in order.
 *
 *   file:    ELF header, program headers, code, cell │ rows │ data
 *   memory:  ─────────── R-X ───────────────────────   ── RW- ──
 *
 * The halves share a page of the file and none of memory. Written to a file the image is a program that needs nothing.
 */
import { CODE, ROW_SIZE, RowField, RowFlag, STOP_CODE, TABLE_CELL, TOLERATE_ALL } from './code.ts';
import {
  ELF_HEADER_SIZE,
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER_SIZE,
  PT_GNU_STACK,
  PT_LOAD,
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

/** An argument of a system call: a value, or the address of a place. */
export type Operand = number | bigint | Place;

/** A system call to do. */
export interface Row {
  /** The step's name in an error message. */
  readonly name: string;
  readonly number: number;
  /** At most six; those not given are 0. */
  readonly arguments: readonly Operand[];
  /** Makes the third argument the environment that the image is started with. */
  readonly environment?: boolean;
  /** Where the low 32 bits of the result are stored, a negated errno as well. */
  readonly result?: Place;
  /** The one errno that is no failure, or all of them. A failure ends the program. */
  readonly tolerate?: number | 'all';
  /** Makes a result of 0 a failure. */
  readonly stopAtZero?: boolean;
  /** The row to go on at when the result is 0, instead of the next. */
  readonly onZero?: Row;
  /** The descriptor that is told of a failure; none is when not given. */
  readonly report?: number;
}

const BASE = 0x400000;
const PAGE = 0x1000;
const PROGRAM_HEADERS = 3;
const CODE_OFFSET = align(ELF_HEADER_SIZE + PROGRAM_HEADERS * PROGRAM_HEADER_SIZE, 16);
const TABLE_OFFSET = CODE_OFFSET + TABLE_CELL + 8;
/** What is at offset N of the file is at this plus N in writable memory. */
const WRITABLE = BASE + align(TABLE_OFFSET, PAGE);

const SYS_EXIT_GROUP = 231;

/**
 * The executable that does `rows` from the first to the last, and then exits with 125.
 *
 * When a row fails it writes a record of 8 bytes to the row's `report` descriptor, the index of the row (u32) and its result
 * (i32), and exits with 125. Throws a RangeError when a row names another that is not in the table.
 */
export function buildImage(rows: readonly Row[]): Buffer {
  const end: Row = { name: 'exit_group', number: SYS_EXIT_GROUP, arguments: [STOP_CODE] };
  const table = [...rows, end];
  const blobs = collectBlobs(table);
  const addresses = new Map<Row | Blob, number>();
  let offset = TABLE_OFFSET;
  for (const row of table) {
    addresses.set(row, WRITABLE + offset);
    offset += ROW_SIZE;
  }
  for (const blob of blobs) {
    addresses.set(blob, WRITABLE + offset);
    offset = align(offset + blob.bytes.length, 8);
  }

  const image = Buffer.alloc(offset);
  writeHeaders(image);
  CODE.copy(image, CODE_OFFSET);
  image.writeBigUInt64LE(BigInt(WRITABLE + TABLE_OFFSET), CODE_OFFSET + TABLE_CELL);
  const words = new Int32Array(image.buffer, image.byteOffset, image.length / 4);
  for (const [index, row] of table.entries()) {
    writeRow(words, TABLE_OFFSET + index * ROW_SIZE, row, index, addresses);
  }
  for (const blob of blobs) {
    const start = addressOf(blob, addresses) - WRITABLE;
    image.set(blob.bytes, start);
    for (const { at, to } of blob.pointers ?? []) {
      if (at % 8 !== 0) throw new RangeError('a pointer is at a multiple of 8');
      writeValue(words, start + at, placeAddress(to, addresses));
    }
  }
  return image;
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** Every blob that the rows lead to, each once. */
function collectBlobs(rows: readonly Row[]): ReadonlySet<Blob> {
  const found = new Set<Blob>();
  const visit = (operand: Operand | undefined): void => {
    if (typeof operand !== 'object' || !('blob' in operand) || found.has(operand.blob)) return;
    found.add(operand.blob);
    for (const { to } of operand.blob.pointers ?? []) visit(to);
  };
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
    (row.stopAtZero === true ? RowFlag.stopAtZero : 0) | (row.environment === true ? RowFlag.environment : 0);
  words[(at + RowField.tolerate) >> 2] = row.tolerate === 'all' ? TOLERATE_ALL : (row.tolerate ?? 0);
  words[(at + RowField.report) >> 2] = row.report ?? -1;
  words[(at + RowField.id) >> 2] = index;
  if (row.result !== undefined) writeValue(words, at + RowField.result, placeAddress(row.result, addresses));
  if (row.onZero !== undefined) writeValue(words, at + RowField.onZero, addressOf(row.onZero, addresses));
  let argument = at + RowField.arguments;
  for (const operand of row.arguments) {
    writeValue(words, argument, typeof operand === 'object' ? placeAddress(operand, addresses) : operand);
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

function writeHeaders(image: Buffer): void {
  const size = image.length - TABLE_OFFSET;
  const code = { offset: 0, address: BASE, fileSize: TABLE_OFFSET, memorySize: TABLE_OFFSET };
  const data = {
    offset: TABLE_OFFSET,
    address: WRITABLE + TABLE_OFFSET,
    fileSize: size,
    memorySize: size,
  };
  const none = { offset: 0, address: 0, fileSize: 0, memorySize: 0 };
  writeElfHeaders(image, BASE + CODE_OFFSET, [
    { type: PT_LOAD, flags: PF_R | PF_X, ...code },
    { type: PT_LOAD, flags: PF_R | PF_W, ...data },
    { type: PT_GNU_STACK, flags: PF_R | PF_W, ...none },
  ]);
}
