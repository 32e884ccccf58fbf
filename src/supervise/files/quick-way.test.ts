import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PathSet } from '../../judge/path-set.ts';
import { AT_FDCWD, PATH_MAX } from '../../linux/files.ts';
import { QuickWay } from './quick-way.ts';
import { arena } from '../target/target.ts';

const path = arena(PATH_MAX);

/** A tree with `in` allowed: `in/f`, `in/d/`, links out and about; `out/f` beside it. */
function fixture(t: TestContext): { root: string; set: PathSet; quick: QuickWay } {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'quick-way-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'in/d'), { recursive: true });
  mkdirSync(join(root, 'out'));
  writeFileSync(join(root, 'in/f'), '');
  writeFileSync(join(root, 'out/f'), '');
  symlinkSync('../out', join(root, 'in/link'));
  symlinkSync('f', join(root, 'in/near'));
  const set = new PathSet([
    { path: Buffer.from(join(root, 'in')), backing: { kind: 'directory' } },
    { path: Buffer.from(join(root, 'in/d')), backing: { kind: 'directory' } },
    { path: Buffer.from(join(root, 'out/f')), backing: { kind: 'file', device: 0n, inode: 0n } },
    { path: Buffer.from(join(root, 'later')), backing: { kind: 'none' } },
  ]);
  return { root, set, quick: new QuickWay(set) };
}

function isBelow(quick: QuickWay, text: string, directory = AT_FDCWD, follow = true): boolean {
  const length = path.bytes.write(`${text}\0`) - 1;
  return quick.isBelow(process.pid, directory, path, length, follow);
}

void test('what lies below an allowed directory, or is missing or no directory there, is found', (t) => {
  const { root, quick } = fixture(t);
  for (const name of [
    'f',
    'd',
    'd/new',
    'new',
    'no/such/f',
    'd/../f',
    './f',
    'd/.',
    'f/x',
    'f/',
    'f/../../out/f',
  ]) {
    assert.equal(isBelow(quick, join(root, 'in') + `/${name}`), true, name);
  }
});

void test('what lies elsewhere, or may, is left to the slow way', (t) => {
  const { root, quick } = fixture(t);
  const inside = ['in', 'in/', 'in//f', 'in/link/f', 'in/link', 'in/near', `in/${'n'.repeat(300)}`];
  const outside = ['in/../out/f', 'in/d/../../out/f', 'out/f', 'out/new', 'inner', 'later', 'later/x', ''];
  for (const name of [...inside, ...outside]) {
    assert.equal(isBelow(quick, `${root}/${name}`), false, name);
  }
  assert.equal(isBelow(quick, ''), false);
});

void test('a link at the end counts as itself when it is not followed', (t) => {
  const { root, quick } = fixture(t);
  assert.equal(isBelow(quick, join(root, 'in/f'), AT_FDCWD, false), true);
  assert.equal(isBelow(quick, join(root, 'in/link'), AT_FDCWD, false), true);
  assert.equal(isBelow(quick, join(root, 'in/link/f'), AT_FDCWD, false), false);
});

void test('relative paths start at the descriptor', (t) => {
  const { root, quick } = fixture(t);
  for (const [directory, name, expected] of [
    ['in', 'f', true],
    ['in', 'new', true],
    ['in', '../out/f', false],
    ['in/d', '../f', true],
    ['in/d', 'new', true],
    ['out', 'f', false],
    ['.', 'in/f', true],
    ['.', 'in', false],
  ] as const) {
    const descriptor = openSync(join(root, directory), 'r');
    assert.equal(isBelow(quick, name, descriptor), expected, `${name} from ${directory}`);
    closeSync(descriptor);
  }
  assert.equal(isBelow(quick, 'f', 4000), false);
  assert.equal(isBelow(quick, 'f', -5), false);
});

void test('an allowed directory that was removed is no longer trusted', (t) => {
  const { root, set, quick } = fixture(t);
  const file = join(root, 'in/f');
  assert.equal(isBelow(quick, file), true);
  set.forgetBacking(Buffer.from(join(root, 'in')));
  assert.equal(isBelow(quick, file), false);
  assert.equal(isBelow(quick, join(root, 'in/d/x')), false);
});

void test('more directories than are held open at a time', (t) => {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'quick-way-'));
  t.after(() => rmSync(root, { recursive: true }));
  const names = Array.from({ length: 20 }, (_, index) => join(root, String(index)));
  for (const name of names) mkdirSync(name);
  const quick = new QuickWay(
    new PathSet(names.map((name) => ({ path: Buffer.from(name), backing: { kind: 'directory' } }))),
  );
  for (const name of [...names, ...names]) {
    assert.equal(isBelow(quick, join(name, 'new')), true, name);
    assert.equal(isBelow(quick, join(`${name}x`, 'new')), false, name);
  }
});
