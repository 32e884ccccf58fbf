/**
 * What an executable of ours says of itself: a note (elf(5), "Notes") in a section of its own, behind all that is loaded.
 * `readelf -n` finds it, and so does `readNote`.
 */
import { ELF_HEADER_SIZE, PF_X, PROGRAM_HEADER_SIZE, SECTION_FIELDS } from './elf.ts';

const OWNER = Buffer.from('secfilter\0\0\0');
const OWNER_SIZE = 10;
const NOTE_TYPE = 0x5ecf;
const NOTE_HEADER_SIZE = 12;
const SECTION_HEADER_SIZE = 64;
const SHT_PROGBITS = 1;
const SHT_STRTAB = 3;
const SHT_NOTE = 7;
const SHF_ALLOC_EXECINSTR = 6;
/** Of the sections, behind the NUL that is the name of none. */
const NAMES = Buffer.from('\0.note.secfilter\0.text\0.shstrtab\0');
const [NOTE_NAME, TEXT_NAME, TABLE_NAME] = [1, 17, 23];
const SECTIONS = 4;
/** Of the ELF header: where all begins, and how many segments there are. */
const [ENTRY, SEGMENTS] = [0x18, 0x38];

/** The executable with the note, for an image without sections. Its code gets one too, since debuggers look for that. */
export function withNote(image: Buffer, text: Buffer): Buffer {
  const header = Buffer.alloc(NOTE_HEADER_SIZE);
  header.writeUInt32LE(OWNER_SIZE, 0);
  header.writeUInt32LE(text.length, 4);
  header.writeUInt32LE(NOTE_TYPE, 8);
  const at = align(image.length, 8);
  const note = Buffer.concat([header, OWNER, text]);
  const namesAt = at + align(note.length, 8);
  const sectionsAt = align(namesAt + NAMES.length, 8);
  const whole = Buffer.alloc(sectionsAt + SECTIONS * SECTION_HEADER_SIZE);
  image.copy(whole);
  note.copy(whole, at);
  NAMES.copy(whole, namesAt);
  const sections: readonly Section[] = [
    { name: NOTE_NAME, type: SHT_NOTE, offset: at, size: align(note.length, 4), alignment: 4 },
    { name: TEXT_NAME, type: SHT_PROGBITS, flags: SHF_ALLOC_EXECINSTR, ...codeOf(image), alignment: 1 },
    { name: TABLE_NAME, type: SHT_STRTAB, offset: namesAt, size: NAMES.length, alignment: 1 },
  ];
  for (const [index, section] of sections.entries())
    writeSection(whole, sectionsAt + (index + 1) * SECTION_HEADER_SIZE, section);
  whole.writeBigUInt64LE(BigInt(sectionsAt), SECTION_FIELDS.offset);
  whole.writeUInt16LE(SECTION_HEADER_SIZE, SECTION_FIELDS.size);
  whole.writeUInt16LE(SECTIONS, SECTION_FIELDS.count);
  whole.writeUInt16LE(SECTIONS - 1, SECTION_FIELDS.names);
  return whole;
}

/** From the entry to the end of the segment that is executed. */
function codeOf(image: Buffer): Pick<Section, 'offset' | 'size' | 'address'> {
  const entry = Number(image.readBigUInt64LE(ENTRY));
  for (let index = 0; index < image.readUInt16LE(SEGMENTS); index += 1) {
    const at = ELF_HEADER_SIZE + index * PROGRAM_HEADER_SIZE;
    if ((image.readUInt32LE(at + 4) & PF_X) === 0) continue;
    const begin = entry - Number(image.readBigUInt64LE(at + 16));
    const offset = Number(image.readBigUInt64LE(at + 8)) + begin;
    return { offset, size: Number(image.readBigUInt64LE(at + 32)) - begin, address: entry };
  }
  throw new RangeError('nothing is executed');
}

/** The text of the note; undefined where the file has none of ours, whatever else it is. */
export function readNote(file: Buffer): Buffer | undefined {
  if (file.length < ELF_HEADER_SIZE || file.readUInt32BE(0) !== 0x7f45_4c46) return undefined;
  const section = Number(file.readBigUInt64LE(SECTION_FIELDS.offset)) + SECTION_HEADER_SIZE;
  if (section + SECTION_HEADER_SIZE > file.length || file.readUInt32LE(section + 4) !== SHT_NOTE)
    return undefined;
  const at = Number(file.readBigUInt64LE(section + 24));
  const text = at + NOTE_HEADER_SIZE + OWNER.length;
  if (text > file.length || file.readUInt32LE(at) !== OWNER_SIZE || file.readUInt32LE(at + 8) !== NOTE_TYPE)
    return undefined;
  if (!file.subarray(at + NOTE_HEADER_SIZE, text).equals(OWNER)) return undefined;
  const end = text + file.readUInt32LE(at + 4);
  return end > file.length ? undefined : file.subarray(text, end);
}

interface Section {
  /** Where it is in the table of names. */
  readonly name: number;
  readonly type: number;
  readonly flags?: number;
  readonly address?: number;
  readonly offset: number;
  readonly size: number;
  readonly alignment: number;
}

function writeSection(file: Buffer, at: number, section: Section): void {
  const { name, type, flags = 0, address = 0, offset, size, alignment } = section;
  file.writeUInt32LE(name, at);
  file.writeUInt32LE(type, at + 4);
  file.writeBigUInt64LE(BigInt(flags), at + 8);
  file.writeBigUInt64LE(BigInt(address), at + 16);
  file.writeBigUInt64LE(BigInt(offset), at + 24);
  file.writeBigUInt64LE(BigInt(size), at + 32);
  file.writeBigUInt64LE(BigInt(alignment), at + 48);
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
