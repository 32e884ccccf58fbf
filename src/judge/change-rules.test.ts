import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuleIndex } from '../rules/rule-index.ts';
import type { Rule } from '../rules/rule.ts';
import { ChangeRules } from './change-rules.ts';
import { DeniedPlaces } from './denied-places.ts';
import {
  judgeCreate,
  judgeEntry,
  judgeLink,
  judgeMetadata,
  judgeOpen,
  judgeRead,
  judgeRemoval,
  judgeTruncate,
  type FileRules,
  type FoundObject,
  type Place,
} from './files.ts';
import { judgeRename, judgeSecondName } from './two-places.ts';
import { PathSet } from './path-set.ts';
import type { Verdict } from './verdict.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const path = (effect: Rule['effect'], text: string): Rule => ({
  effect,
  place: { kind: 'path', path: bytes(text) },
  said: `${effect} ${text}`,
});
/** A name at any depth below a directory. */
const anywhere = (effect: Rule['effect'], base: string, name: string): Rule => ({
  effect,
  place: {
    kind: 'pattern',
    pattern: {
      base: bytes(base),
      components: [{ kind: 'any' }, { kind: 'name', name: bytes(name) }],
      text: `${base}/**/${name}`,
    },
  },
  said: `${effect} ${base}/**/${name}`,
});
const at = (text: string): Place => ({ path: bytes(text), isInterface: false });
const object = (text: string): FoundObject => ({ ...at(text), device: 1n, inode: 2n, isOfMember: false });
const WRITE = { writes: true, makesNameless: false, truncatesUnwritten: false };
const READ = { reads: true, writes: false, makesNameless: false, truncatesUnwritten: false };

/** `--write-allow=/w`, with `/w/.git` and `/w` *.env* denied, and `/w/.git/ok` allowed again; a log anywhere in /l. */
const CHANGES = [
  path('deny', '/'),
  path('allow', '/w'),
  path('deny', '/w/.git'),
  path('allow', '/w/.git/ok'),
  anywhere('deny', '/w', '.env'),
  anywhere('allow', '/l', 'log'),
];
const READING = [path('deny', '/k'), path('allow', '/k/open'), anywhere('deny', '/w', '.env')];

const rules: FileRules = {
  restricted: true,
  writable: new PathSet([
    { path: bytes('/w'), backing: { kind: 'none' } },
    { path: bytes('/w/.git/ok'), backing: { kind: 'directory' } },
    { path: bytes('/dev/null'), backing: { kind: 'none' }, fixed: true },
  ]),
  changes: new ChangeRules(CHANGES),
  reading: { rules: new RuleIndex(READING), readable: new PathSet([], []), byLandlock: false },
  denied: new DeniedPlaces([]),
  interfaces: new DeniedPlaces([]),
  landlock: true,
  supervisor: 99,
};

const EVERY_CHANGE: Readonly<Record<string, (place: string) => Verdict>> = {
  open: (place) => judgeOpen(rules, WRITE, object(place)),
  truncate: (place) => judgeTruncate(rules, object(place)),
  create: (place) => judgeCreate(rules, WRITE, at(place)),
  mkdir: (place) => judgeEntry(rules, at(place)),
  unlink: (place) => judgeRemoval(rules, at(place)),
  symlink: (place) => judgeLink(rules, at(place)),
  chmod: (place) => judgeMetadata(rules, at(place)),
  'rename away': (place) => judgeRename(rules, at(place), at('/w/x'), false),
  'rename onto': (place) => judgeRename(rules, at('/w/x'), at(place), false),
  exchange: (place) => judgeRename(rules, at('/w/x'), at(place), true),
  'link from': (place) => judgeSecondName(rules, at(place), at('/w/x')),
  'link to': (place) => judgeSecondName(rules, at('/w/x'), at(place)),
};

void test('every change of a denied place is refused by the rule that denies it', () => {
  for (const place of ['/w/.git', '/w/.git/hooks/x', '/w/.env', '/w/a/.env', '/w/a/.env/x', '/x', '/l/x'])
    for (const [name, judge] of Object.entries(EVERY_CHANGE))
      assert.equal(judge(place).kind, 'refuse', `${name} ${place}`);
  const verdict = judgeOpen(rules, WRITE, object('/w/a/.env'));
  assert.ok(verdict.kind === 'refuse' && verdict.rule === 'deny /w/**/.env', JSON.stringify(verdict));
});

void test('what is allowed beside it, within it and by a pattern is performed', () => {
  for (const place of ['/w/a', '/w/.gitignore', '/w/.git/ok/a', '/l/log', '/l/a/log', '/l/log/x'])
    for (const name of ['open', 'create', 'mkdir', 'unlink', 'chmod'])
      assert.notEqual(EVERY_CHANGE[name]?.(place).kind, 'refuse', `${name} ${place}`);
  assert.equal(judgeOpen(rules, WRITE, object('/l/log')).kind, 'perform');
  assert.equal(judgeOpen(rules, WRITE, object('/dev/null')).kind, 'perform');
});

void test('nothing is carried away from a denied place, nor to one, with the directory that it lies in', () => {
  const rows: [from: string, to: string, kind: Verdict['kind']][] = [
    ['/w/a', '/w/b', 'perform'],
    ['/w/a', '/w/a/b/c', 'perform'],
    // Below it there may be a file .env, which is denied here and would not be there.
    ['/w/a', '/l/log', 'refuse'],
    ['/w/a', '/w/.git/ok', 'perform'],
    ['/l/log/a', '/l/log/b', 'perform'],
  ];
  for (const [from, to, kind] of rows)
    assert.equal(judgeRename(rules, at(from), at(to), false).kind, kind, `${from} ${to}`);
});

void test('what may not be read is not opened, and gets no name by which it could be', () => {
  const read = (place: string, more: Partial<FoundObject> = {}): Verdict =>
    judgeRead(rules, READ, { ...object(place), ...more });
  for (const place of [
    '/k',
    '/k/a',
    '/w/.env',
    '/w/a/.env',
    '/k/a (deleted)',
    '/w/.env (deleted)',
    '(unreachable)/x',
  ]) {
    const verdict = read(place);
    assert.ok(verdict.kind === 'refuse' && verdict.errno === 'EACCES', place);
  }
  for (const place of ['/', '/w', '/w/a', '/k/open', '/k/open/x', '/kk', 'pipe:[1]', '/w/.envy'])
    assert.equal(read(place).kind, 'perform', place);
  assert.equal(read('/dev/sda', { isBlockDevice: true }).kind, 'refuse');
  const unchanged = {
    ...rules,
    changes: undefined,
    writable: new PathSet([{ path: bytes('/'), backing: { kind: 'directory' } }]),
  };
  for (const [from, to, kind] of [
    ['/k/a', '/x', 'refuse'],
    ['/k', '/k2', 'refuse'],
    ['/x', '/k/a', 'perform'],
    ['/k/a', '/k/b', 'perform'],
    ['/w/a', '/x', 'refuse'],
    ['/w/a', '/w/b', 'perform'],
    ['/x', '/y', 'perform'],
  ] as const) {
    assert.equal(judgeRename(unchanged, at(from), at(to), false).kind, kind, `rename ${from} ${to}`);
    assert.equal(judgeSecondName(unchanged, at(from), at(to)).kind, kind, `link ${from} ${to}`);
  }
  assert.equal(judgeRename(unchanged, at('/x'), at('/k/a'), true).kind, 'refuse', 'exchange');
});

void test('only where Landlock decides again is a read left to it', () => {
  const readable = new PathSet([{ path: bytes('/usr'), backing: { kind: 'directory' } }], []);
  const backed = { ...rules, reading: { rules: new RuleIndex(READING), readable, byLandlock: false } };
  assert.equal(judgeRead(backed, READ, object('/usr/x')).kind, 'continue');
  assert.equal(judgeRead(backed, READ, object('/etc/x')).kind, 'perform');
  assert.equal(judgeRead({ ...backed, landlock: false }, READ, object('/usr/x')).kind, 'perform');
});
