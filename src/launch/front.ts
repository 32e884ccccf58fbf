/**
 * The front: the program that is installed as `secfilt`, a static ELF64 executable (elf(5)) that starts Node. Node changes
 * what it was started with before a line of ours runs: it raises the soft limit of open files to the hard one and gives
 * ignored signals their default action. The front notes both first, and by which path it was started.
 *
 * It also hides variables that Node and its OpenSSL would act upon (NODE_*, OPENSSL_*) by their first byte: they are the
 * command's, and one of them alone may cost Node 50 ms. `takeStartNotes` brings them back to light, in their place.
 *
 * Node is looked for in PATH, as `env node` does; the script is `secfilt.cjs` beside the front itself, which the kernel
 * names (/proc/self/exe), whatever links have led there. No shell: that drops and changes variables.
 */
import { FRONT_CODE, FrontPlace } from './front-code.ts';
import { NOTE_VARIABLE } from './front-names.ts';

const BASE = 0x400000;
const PROGRAM_HEADERS = 2;
/** 62 bytes, as the code has it. */
const FAILURE = 'secfilt: cannot start: node is not in PATH, or /proc not here\n';

/** At `FrontPlace.strings`, each so many bytes behind it. */
const STRINGS: readonly [at: number, text: string][] = [
  [0, `${NOTE_VARIABLE}=`],
  [0x10, '/proc/self/exe'],
  [0x20, 'node'],
  [0x28, '/bin:/usr/bin'],
  [0x38, FAILURE],
];
const STRINGS_SIZE = 0x80;

/** The executable. */
export function buildFront(): Buffer {
  const strings = FrontPlace.strings - BASE;
  const image = Buffer.alloc(strings + STRINGS_SIZE);
  writeHeaders(image);
  if (FRONT_CODE.copy(image, FrontPlace.code - BASE) > strings - (FrontPlace.code - BASE))
    throw new RangeError('the code reaches into the strings');
  for (const [at, text] of STRINGS) image.write(text, strings + at, 'latin1');
  return image;
}

const PT_LOAD = 1;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

function writeHeaders(image: Buffer): void {
  const ET_EXEC = 2;
  const EM_X86_64 = 62;
  const EV_CURRENT = 1;
  image.set([0x7f, 0x45, 0x4c, 0x46, 2 /* 64-bit */, 1 /* little-endian */, EV_CURRENT]);
  image.writeUInt16LE(ET_EXEC, 16);
  image.writeUInt16LE(EM_X86_64, 18);
  image.writeUInt32LE(EV_CURRENT, 20);
  image.writeBigUInt64LE(BigInt(FrontPlace.code), 24); // entry
  image.writeBigUInt64LE(64n, 32); // program headers
  image.writeUInt16LE(64, 52);
  image.writeUInt16LE(56, 54);
  image.writeUInt16LE(PROGRAM_HEADERS, 56);
  image.writeUInt16LE(64, 58); // the size of a section header, of which there are none
  writeLoad(image, 64, PF_R | PF_X, BASE, image.length, image.length);
  writeLoad(image, 120, PF_R | PF_W, FrontPlace.variables, 0, FrontPlace.end - FrontPlace.variables);
}

function writeLoad(
  image: Buffer,
  at: number,
  flags: number,
  address: number,
  fromFile: number,
  size: number,
): void {
  image.writeUInt32LE(PT_LOAD, at);
  image.writeUInt32LE(flags, at + 4);
  image.writeBigUInt64LE(BigInt(address), at + 16); // virtual
  image.writeBigUInt64LE(BigInt(address), at + 24); // physical
  image.writeBigUInt64LE(BigInt(fromFile), at + 32);
  image.writeBigUInt64LE(BigInt(size), at + 40);
  image.writeBigUInt64LE(0x1000n, at + 48);
}
