/**
 * The sets that come with the package: every line is well-formed and says why, and what share/sets/README.md and docs/sets.md promise
 * of all lines holds.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot } from '../support/environment.ts';

const folder = join(projectRoot, 'share/sets');
const names = readdirSync(folder).filter((name) => name.endsWith('.set'));

const LINE_PATTERN = /^(?<place>(?:\\[^a-zA-Z0-9]|[^\\ \t#])+) {2}# (?<why>\S.*\S)$/;
const START_PATTERN = /^(?:\/|~\/|\.\/|\$[A-Za-z_]\w*(?:\/|$)|\$\{[A-Za-z_]\w*:-~\/[^${}]+\}(?:\/|$))/;
/** A variable deeper in the place: only `$UID`. */
const LATER_VARIABLE_PATTERN = /(?<!^)\$(?!UID\b)/;
const SIGN_PATTERN = /(?<!\\)[*?[\]]/;

interface Line {
  readonly number: number;
  readonly place: string;
}

function textOf(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

function linesOf(name: string): Line[] {
  return textOf(name)
    .split('\n')
    .flatMap((line, index) => {
      if (line === '' || line.startsWith('#')) return [];
      const place = LINE_PATTERN.exec(line)?.groups?.['place'];
      assert.ok(place !== undefined, `${name}:${index + 1} is no line of a set: ${line}`);
      return [{ number: index + 1, place }];
    });
}

/** The places of a line where every variable is set to `/NAME`, and those where none is. */
function expansionsOf(place: string): string[] {
  const match = /^\$(?:\{(?<name>\w+):-(?<usual>[^}]+)\}|(?<bare>\w+))(?<rest>.*)$/.exec(place)?.groups;
  if (match === undefined) return [place];
  const { name, usual, bare, rest = '' } = match;
  return [`/${bare ?? name}${rest}`, ...(usual === undefined ? [] : [usual + rest])];
}

const isWithin = (place: string, directory: string): boolean =>
  place === directory || place.startsWith(`${directory}/`);

void test('the sets are those that the document names', () => {
  assert.deepEqual(names.toSorted(), ['secrets.set', 'startup.set', 'system.set']);
});

for (const name of names) {
  void test(`${name}: each line is a place and says why, none is there twice`, () => {
    const lines = linesOf(name);
    assert.ok(lines.length > 100);
    const seen = new Map<string, number>();
    for (const { number, place } of lines) {
      const where = `${name}:${number}: ${place}`;
      assert.match(place, START_PATTERN, where);
      assert.doesNotMatch(place, LATER_VARIABLE_PATTERN, where);
      assert.doesNotMatch(place, /\/\/|\/$|\/\.{1,2}(?:\/|$)|[^/]\*\*|\*\*[^/]/, where);
      for (const each of expansionsOf(place)) {
        assert.equal(seen.get(each), undefined, `${where} is also in line ${seen.get(each)}`);
        seen.set(each, number);
      }
    }
  });

  void test(`${name}: it begins with what it is for, and every topic has places`, () => {
    const blocks = textOf(name).trimEnd().split('\n\n');
    assert.match(blocks[0] ?? '', new RegExp(`^# @${name.replace('.set', '')}: `));
    for (const block of blocks.slice(1)) assert.match(block, /^# .+\n[^#]/);
  });
}

void test('@secrets and @system hold no patterns', () => {
  for (const name of ['secrets.set', 'system.set'])
    assert.deepEqual(
      linesOf(name).filter(({ place }) => SIGN_PATTERN.test(place)),
      [],
    );
});

void test('what @system opens holds no place of @secrets, and neither holds a whole home directory', () => {
  const open = linesOf('system.set').flatMap(({ place }) => expansionsOf(place));
  const closed = [...linesOf('secrets.set'), ...linesOf('startup.set')].flatMap(({ place }) =>
    expansionsOf(place),
  );
  for (const place of [...open, ...closed])
    assert.ok(
      !/^(?:\/|~\/?|\/home|\/root|~\/\.(?:config|local|cache)|~\/\.local\/(?:share|state))$/.test(place),
      place,
    );
  const secrets = linesOf('secrets.set').flatMap(({ place }) => expansionsOf(place));
  assert.deepEqual(
    secrets.filter((secret) => open.some((directory) => isWithin(secret, directory))),
    [],
  );
});

void test('only places of version control are denied at any depth: packages that are unpacked bring all others along', () => {
  const deep = linesOf('startup.set').filter(({ place }) => place.startsWith('/**/'));
  assert.ok(deep.length > 5);
  for (const { place } of deep) assert.match(place, /^\/\*\*\/(?:\*\.git|\.hg|\.jj)\//);
});
