// Checks that imports only go down the house: a folder may import itself and the folders named here.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const MAY_IMPORT = {
  linux: [],
  seccomp: ['linux'],
  policy: ['linux'],
  plan: ['policy', 'seccomp', 'linux'],
  launch: ['plan', 'seccomp', 'linux'],
  judge: ['policy', 'linux'],
  report: ['policy', 'judge', 'linux'],
  supervise: ['judge', 'report', 'plan', 'launch', 'policy', 'seccomp', 'linux'],
  cli: ['supervise', 'report', 'judge', 'launch', 'plan', 'policy', 'seccomp', 'linux'],
};

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const violations = [];
let imports = 0;
for (const name of files) {
  const folder = name.split('/')[0];
  const text = readFileSync(join(src, name), 'utf8');
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
    imports += 1;
    const target = relative(src, resolve(src, dirname(name), specifier)).split('/')[0];
    if (target === '..') {
      if (!name.endsWith('.test.ts')) violations.push(`${name}: imports ${specifier}, outside src/`);
    } else if (target !== folder && !MAY_IMPORT[folder]?.includes(target)) {
      violations.push(`${name}: ${folder}/ may not import ${target}/`);
    }
  }
}
if (files.length === 0 || imports === 0) violations.push('no source file was seen');
for (const line of violations) console.error(line);
if (violations.length > 0) process.exit(1);
console.log(`layers: ${files.length} files, ${imports} imports, all downwards`);
