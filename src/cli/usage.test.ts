import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Option, OPTIONS } from '../options/option-table.ts';
import { parseArguments } from './parse-arguments.ts';
import { helpText, versionText } from './usage.ts';
import { VERSION } from './version.ts';

void test('helpText() fits a screen and names every option', () => {
  const lines = helpText().trimEnd().split('\n');
  assert.ok(lines.length <= 24, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= 80 && /^[ -~]*$/.test(line), line);
  for (const { name } of OPTIONS) assert.match(helpText(), new RegExp(`--${name}\\b`));
  const gap = /^ {2}(-|--)\S.*\S {1,}\S/;
  const options: readonly Option[] = OPTIONS;
  for (const { help, group, sharesLine } of options)
    if (group !== 'about' && sharesLine !== true)
      assert.match(lines.find((line) => line.endsWith(` ${help}`)) ?? '', gap);
});

void test('the examples of helpText() are understood', () => {
  const examples = helpText().split('Examples:\n')[1]?.trimEnd().split('\n') ?? [];
  assert.equal(examples.length, 2);
  for (const example of examples) {
    const words = example.trim().split(/ {3,}/)[0]?.split(' ') ?? [];
    assert.equal(words[0], 'secfilt');
    assert.equal(parseArguments(words.slice(1)).kind, 'run', example);
  }
});

void test('the version is that of the package', () => {
  assert.match(readFileSync('package.json', 'utf8'), new RegExp(`"version": "${VERSION}"`));
  assert.equal(versionText(), `secfilt ${VERSION}\n`);
});

void test('no two options share a name', () => {
  const names = OPTIONS.flatMap((option: Option) => [
    option.name,
    ...option.aliases,
    option.short ?? option.name.toUpperCase(),
  ]);
  assert.equal(new Set(names).size, names.length);
});
