/**
 * The tables of docs/threat-model.md: every known way out has its line, and every test that a line names is there.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot } from '../support/environment.ts';

const text = readFileSync(join(projectRoot, 'docs/threat-model.md'), 'utf8');
const cases = text
  .slice(text.indexOf('## The known ways out'))
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()));

const LAST = { K: 4, F: 51, P: 40, N: 47, S: 19 };

function isTest(name: string): boolean {
  const places = [`build/test/${name}`, `build/src/${name}`, `build/src/plan/${name}`];
  return places.some((place) => existsSync(join(projectRoot, `${place}.test.js`)));
}

void test('every known way out has a line', () => {
  const named = new Set<string>();
  for (const [, title = ''] of cases) {
    for (const [, letter = '', from = '', to = from] of title.matchAll(/\b([KFPNS])(\d+)(?:–[KFPNS](\d+))?/g))
      for (let number = Number(from); number <= Number(to); number += 1) named.add(`${letter}${number}`);
  }
  const expected = Object.entries(LAST).flatMap(([letter, last]) =>
    Array.from({ length: last }, (_, index) => `${letter}${index + 1}`),
  );
  assert.deepEqual(
    expected.filter((id) => !named.has(id)),
    [],
  );
});

void test('every test that the tables name is there', () => {
  const promised = [...text.matchAll(/`(?:test|src)\/([a-z/-]+)`/g)].map(([, name = '']) => name);
  const mapped = cases.flatMap(([, , where = '']) =>
    [...where.matchAll(/\b[a-z]+(?:\/[a-z-]+)+\b/g)].map(([name]) => name),
  );
  const names = new Set([...promised, ...mapped].filter((name) => !name.startsWith('docs/')));
  assert.ok(names.size > 30);
  assert.deepEqual(
    [...names].filter((name) => !isTest(name)),
    [],
  );
});
