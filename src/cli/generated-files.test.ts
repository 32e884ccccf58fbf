import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatedFiles } from './generated-files.ts';
import { type Option, OPTIONS } from '../options/option-table.ts';

const ALL: readonly Option[] = OPTIONS;
const NAMES = ALL.flatMap(({ name, aliases }) => [name, ...aliases]);

void test('the checked-in files are what the table gives (if not: npm run docs)', () => {
  const files = Object.entries(generatedFiles());
  assert.equal(files.length, 5);
  for (const [path, text] of files) assert.equal(readFileSync(path, 'utf8'), text, path);
});

void test('package.json installs the manual page and ships all of the files', () => {
  const { man, files }: { man: string; files: string[] } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(man, 'share/man/man1/secfilt.1');
  for (const path of Object.keys(generatedFiles())) {
    assert.ok(
      files.some((entry) => path.startsWith(`${entry}/`)),
      path,
    );
  }
});

void test('every name of every option is in every file for the shell, and no placeholder is left', () => {
  for (const [path, text] of Object.entries(generatedFiles())) {
    if (path.endsWith('.json')) continue;
    assert.doesNotMatch(text, /@[A-Z_]+@|undefined/, path);
    for (const name of NAMES) {
      const spelt = path.endsWith('.1') ? `--${name}`.replaceAll('-', '\\-') : name;
      assert.ok(text.includes(spelt), `${path}: ${name}`);
    }
  }
});

void test('the table of options in the README has a row for each', () => {
  const rows = readFileSync('README.md', 'utf8').match(/^\|.*$/gm) ?? [];
  for (const name of NAMES)
    assert.ok(
      rows.some((row) => new RegExp(`^\\|[^|]*\`--${name}[\`=[]`).test(row.replaceAll('\\|', ','))),
      name,
    );
});

void test('the manual page has no line that roff would take for a request of another kind', () => {
  const page = generatedFiles()['share/man/man1/secfilt.1'] ?? '';
  const known = new Set([
    '.B',
    '.BR',
    '.EE',
    '.EX',
    '.I',
    '.IP',
    '.PP',
    '.RB',
    '.RI',
    '.SH',
    '.SS',
    '.TH',
    '.TP',
  ]);
  const requests = page.match(/^[.'][^ \n]*/gm) ?? [];
  assert.deepEqual(
    requests.filter((request) => !known.has(request)),
    [],
  );
});
