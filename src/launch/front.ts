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
import { PF_R, PF_W, PF_X, PT_LOAD, writeElfHeaders } from './elf.ts';
import { FRONT_CODE, FrontPlace } from './front-code.ts';
import { NOTE_VARIABLE } from './front-names.ts';

const BASE = 0x400000;
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

function writeHeaders(image: Buffer): void {
  const size = FrontPlace.end - FrontPlace.variables;
  const all = { offset: 0, address: BASE, fileSize: image.length, memorySize: image.length };
  const variables = { offset: 0, address: FrontPlace.variables, fileSize: 0, memorySize: size };
  writeElfHeaders(image, FrontPlace.code, [
    { type: PT_LOAD, flags: PF_R | PF_X, ...all },
    { type: PT_LOAD, flags: PF_R | PF_W, ...variables },
  ]);
}
