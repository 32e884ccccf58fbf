// Writes the bytes of src/launch/standalone/listing/ anew, from the instructions beside them, with the assembler and disassembler of
// binutils: to be run by whoever changes one. Jumps name labels of any part; bytes of new lines may be left out (`label: | …`).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../src/launch/standalone');
/** In the order in which code.ts puts them together. */
const parts = [
  ...readFileSync(join(folder, 'code.ts'), 'utf8').matchAll(/from '\.\/(listing\/[\w-]+\.ts)'/g),
];
const order = /LISTING = \[([^\]]+)\]/.exec(readFileSync(join(folder, 'code.ts'), 'utf8'))[1].split(/, ?/);
const files = parts
  .map(([, name]) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
  .toSorted((a, b) => placeOf(a) - placeOf(b));
const LINE = /^(?:(\w+):)? +[0-9a-f ]*\| (.+?) *\| ?(.*)$/;

const lines = files.flatMap(({ text }) => linesOf(text));
const bytes = assemble(lines);
let at = 0;
for (const { name, text } of files) {
  const written = linesOf(text).map(({ label, assembly, why }) => {
    const start = (label ? `${label}:` : '').padEnd(13);
    return `${start}${bytes[at++].padEnd(29)} | ${assembly.padEnd(33)} | ${why}`.trimEnd();
  });
  const changed = text.replace(/(?<=`\n)[^`]+(?=\n`)/, () => written.join('\n'));
  if (changed !== text) writeFileSync(join(folder, name), changed);
}

function placeOf({ text }) {
  return order.indexOf(/export const (\w+)/.exec(text)[1]);
}

function linesOf(text) {
  const [, listing] = /= `\n([^`]+)\n`;/.exec(text);
  return listing.split('\n').map((line) => {
    const match = LINE.exec(line);
    if (match === null) throw new Error(`not a line of the listing: ${line}`);
    const [, label, assembly, why] = match;
    return { label, assembly, why };
  });
}

/** The bytes of each line, in hexadecimal. */
function assemble(all) {
  const place = mkdtempSync(join(tmpdir(), 'secfilter-'));
  try {
    const [source, object, code] = ['s', 'o', 'bin'].map((ending) => join(place, `code.${ending}`));
    const text = all.map(({ label, assembly }) => {
      const jump = assembly.replace(/^(j\w+|call) (\w+)$/, '$1 label_$2');
      return `${label ? `label_${label}: ` : ''}${jump.replace('rip+0xfffffffffffffff1', 'rip-0xf')}\n`;
    });
    writeFileSync(source, `.intel_syntax noprefix\n${text.join('')}`);
    execFileSync('as', ['--64', '-o', object, source], { stdio: 'inherit' });
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object, code]);
    const words = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '-w', code];
    const found = execFileSync('objdump', words, { encoding: 'utf8' });
    const decoded = [...found.matchAll(/^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t/gm)].map(([, hex]) => hex);
    if (decoded.length !== all.length) throw new Error('the disassembler sees other instructions');
    return decoded;
  } finally {
    rmSync(place, { recursive: true });
  }
}
