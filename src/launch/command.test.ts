import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveCommand } from './command.ts';

const EACCES = 13;
const ENOTDIR = 20;
const ELOOP = 40;

const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
after(() => rmSync(folder, { recursive: true }));
const [first, second] = [join(folder, 'first'), join(folder, 'second')];
mkdirSync(first);
mkdirSync(second);
mkdirSync(join(first, 'folder'));
for (const [path, mode] of [
  [join(first, 'tool'), 0o755],
  [join(second, 'tool'), 0o755],
  [join(first, 'plain'), 0o644],
  [join(second, 'plain'), 0o755],
  [join(first, 'refused'), 0o644],
  [join(second, 'other'), 0o755],
] as const) {
  writeFileSync(path, '');
  chmodSync(path, mode);
}
symlinkSync('loop', join(first, 'loop'));
writeFileSync(join(second, 'loop'), '', { mode: 0o755 });
const path = `${first}:${second}`;

function found(file: string): unknown {
  return { kind: 'found', path: Buffer.from(file) };
}

void test('the first folder of PATH that has the command counts', () => {
  assert.deepEqual(resolveCommand('tool', path), found(join(first, 'tool')));
  assert.deepEqual(resolveCommand('other', path), found(join(second, 'other')));
  assert.deepEqual(resolveCommand(Buffer.from('other'), path), found(join(second, 'other')));
  assert.deepEqual(
    resolveCommand('other', `/nonexistent:${join(first, 'tool')}:${second}`),
    found(join(second, 'other')),
  );
});

void test('a file that may not be executed is passed over, and named when there is no other', () => {
  assert.deepEqual(resolveCommand('plain', path), found(join(second, 'plain')));
  const refused = { kind: 'notExecutable', path: Buffer.from(join(first, 'refused')), errno: EACCES };
  assert.deepEqual(resolveCommand('refused', path), refused);
  const directory = { kind: 'notExecutable', path: Buffer.from(join(first, 'folder')), errno: EACCES };
  assert.deepEqual(resolveCommand('folder', path), directory);
});

void test('any other error ends the search', () => {
  const loop = { kind: 'notExecutable', path: Buffer.from(join(first, 'loop')), errno: ELOOP };
  assert.deepEqual(resolveCommand('loop', path), loop);
});

void test('a name with a slash is a path', () => {
  assert.deepEqual(resolveCommand(join(first, 'tool'), ''), found(join(first, 'tool')));
  assert.deepEqual(resolveCommand(join(first, 'absent'), path), { kind: 'notFound' });
  assert.deepEqual(resolveCommand('first/tool', path, folder), found('first/tool'));
  const below = join(first, 'tool', 'x');
  assert.deepEqual(resolveCommand(below, path), {
    kind: 'notExecutable',
    path: Buffer.from(below),
    errno: ENOTDIR,
  });
});

void test('an empty entry of PATH is the current directory', () => {
  for (const variable of ['', ':/nonexistent', '/nonexistent:', '/nonexistent::/nonexistent']) {
    assert.deepEqual(resolveCommand('tool', variable, first), found('./tool'));
  }
});

void test('without PATH the system folders are searched', () => {
  assert.deepEqual(resolveCommand('sh', undefined), found('/bin/sh'));
});

void test('what is nowhere is not found', () => {
  for (const name of ['absent', '', 'a\0b'])
    assert.deepEqual(resolveCommand(name, path), { kind: 'notFound' });
});

void test('names are bytes', () => {
  const name = Buffer.from([0xff, 0xfe]);
  const file = Buffer.concat([Buffer.from(`${first}/`), name]);
  writeFileSync(file, '', { mode: 0o755 });
  assert.deepEqual(resolveCommand(name, path), { kind: 'found', path: file });
});

void test('S09 a folder of PATH is found whatever its bytes', () => {
  const odd = Buffer.concat([Buffer.from(folder), Buffer.from('/\xff\xc3', 'latin1')]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from('/mine')]), '', { mode: 0o755 });
  const bytes = Buffer.concat([Buffer.from(`${first}:`), odd]);
  assert.deepEqual(resolveCommand('mine', bytes), {
    kind: 'found',
    path: Buffer.concat([odd, Buffer.from('/mine')]),
  });
});
