/** The headers of a static ELF64 executable for x86-64 (elf(5)). */

export const ELF_HEADER_SIZE = 64;
export const PROGRAM_HEADER_SIZE = 56;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
export const PT_LOAD = 1;
export const PT_GNU_STACK = 0x6474e551;

/** Where the header says where sections are, how large and how many, and which one has their names. */
export const SECTION_FIELDS = { offset: 0x28, size: 0x3a, count: 0x3c, names: 0x3e } as const;

const PAGE = 0x1000;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const EV_CURRENT = 1;

/** A program header. All in bytes; what the file does not fill is zero in memory. */
export interface Segment {
  readonly type: typeof PT_LOAD | typeof PT_GNU_STACK;
  /** PF_ bits. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

/** Writes the header and, right behind it, the program headers, at the beginning of a file that is all zero there. */
export function writeElfHeaders(image: Buffer, entry: number, segments: readonly Segment[]): void {
  image.set([0x7f, 0x45, 0x4c, 0x46, 2 /* 64-bit */, 1 /* little-endian */, EV_CURRENT]);
  image.writeUInt16LE(ET_EXEC, 16);
  image.writeUInt16LE(EM_X86_64, 18);
  image.writeUInt32LE(EV_CURRENT, 20);
  image.writeBigUInt64LE(BigInt(entry), 24);
  image.writeBigUInt64LE(BigInt(ELF_HEADER_SIZE), 32); // program headers
  image.writeUInt16LE(ELF_HEADER_SIZE, 52);
  image.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  image.writeUInt16LE(segments.length, 56);
  image.writeUInt16LE(64, 58); // the size of a section header, of which there are none
  for (const [index, segment] of segments.entries())
    writeSegment(image, ELF_HEADER_SIZE + index * PROGRAM_HEADER_SIZE, segment);
}

function writeSegment(image: Buffer, at: number, segment: Segment): void {
  image.writeUInt32LE(segment.type, at);
  image.writeUInt32LE(segment.flags, at + 4);
  image.writeBigUInt64LE(BigInt(segment.offset), at + 8);
  image.writeBigUInt64LE(BigInt(segment.address), at + 16); // virtual
  image.writeBigUInt64LE(BigInt(segment.address), at + 24); // physical
  image.writeBigUInt64LE(BigInt(segment.fileSize), at + 32);
  image.writeBigUInt64LE(BigInt(segment.memorySize), at + 40);
  image.writeBigUInt64LE(BigInt(segment.type === PT_LOAD ? PAGE : 16), at + 48);
}
