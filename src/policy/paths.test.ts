import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { currentDirectory, parseUnixSocket, resolvePath, splitPath } from './paths.ts';
import { ValueError } from './value-error.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'paths-')));
after(() => rmSync(root, { recursive: true }));

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const resolve = (path: string, base?: string): string =>
  resolvePath(bytes(path), base === undefined ? undefined : bytes(base)).toString('latin1');

mkdirSync(join(root, 'dir/sub'), { recursive: true });
writeFileSync(join(root, 'dir/file'), '');
symlinkSync('dir', join(root, 'link'));
symlinkSync('dir/new', join(root, 'dangling'));
symlinkSync(join(root, 'dangling'), join(root, 'dangling-twice'));
symlinkSync('gone/new', join(root, 'dangling-deep'));
symlinkSync('loop', join(root, 'loop'));
mkdirSync(bytes(`${root}/\xff\xfe`));
symlinkSync(bytes(`\xff\xfe/\x80`), join(root, 'to-bytes'));

void test('resolvePath() gives the path as the kernel names it', () => {
  const rows: [string, string][] = [
    ['dir', 'dir'],
    ['dir/', 'dir'],
    ['./dir//sub/../file', 'dir/file'],
    ['link', 'dir'],
    ['link/sub/..', 'dir'],
    ['link/new', 'dir/new'],
    ['dir/new', 'dir/new'],
    ['dir/new///', 'dir/new'],
    ['dangling', 'dir/new'],
    ['dangling/', 'dir/new'],
    ['dangling-twice', 'dir/new'],
    ['\xff\xfe', '\xff\xfe'],
    ['\xff\xfe/\x1b[31m', '\xff\xfe/\x1b[31m'],
    ['to-bytes', '\xff\xfe/\x80'],
    ['\xef\xbf\xbd', '\xef\xbf\xbd'],
    [' ', ' '],
    ['a,b', 'a,b'],
  ];
  for (const [path, expected] of rows) {
    assert.equal(resolve(path, root), `${root}/${expected}`, path);
    assert.equal(resolve(`${root}/${path}`), `${root}/${expected}`, path);
  }
  assert.equal(resolve('/'), '/');
  assert.equal(resolve('///'), '/');
  assert.equal(resolve('/..'), '/');
  assert.equal(resolve('.', root), root);
});

void test('resolvePath() starts at the current directory, in bytes', (t) => {
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(root);
  assert.equal(currentDirectory().toString(), root);
  assert.equal(resolve('dir'), `${root}/dir`);
  assert.equal(resolve('new'), `${root}/new`);
  mkdirSync(join(root, 'doomed'));
  process.chdir(join(root, 'doomed'));
  rmSync(join(root, 'doomed'), { recursive: true });
  assert.throws(() => resolve('x'), /current directory is gone/);
  assert.equal(resolve(`${root}/dir`), `${root}/dir`);
});

void test('resolvePath() refuses what names no place, and says why', () => {
  const rows: [string, RegExp, string?][] = [
    ['', /is empty/],
    ['a\0b', /NUL/],
    ['gone/new', /in a directory that does not exist/, `${root}/gone`],
    ['gone/..', /in a directory that does not exist/, `${root}/gone`],
    ['gone/deep/new', /in a directory that does not exist/, `${root}/gone/deep`],
    ['dangling-deep', /in a directory that does not exist/, `${root}/gone`],
    ['dangling/x', /in a directory that does not exist/, `${root}/dangling`],
    ['dir/file/x', /cannot be looked up: not a directory/],
    ['dir/file/', /cannot be looked up: not a directory/],
    ['loop', /cannot be looked up: too many symbolic links/],
    ['x'.repeat(256), /cannot be looked up: name too long/],
    ['/proc/self/mem', /entry of secfilt itself/],
    [`/proc/${process.pid}`, /entry of secfilt itself/],
    ['/proc/thread-self/comm', /entry of secfilt itself/],
  ];
  for (const [path, message, place] of rows) {
    const matches = (error: unknown): boolean => {
      assert.ok(error instanceof ValueError);
      assert.match(error.message, message);
      assert.equal(error.place?.toString('latin1'), place);
      return true;
    };
    assert.throws(() => resolve(path, root), matches, JSON.stringify(path));
  }
});

void test('resolvePath() names the file that creating it there makes', () => {
  // So deep that no row of links and dots climbs out of it.
  const scene = join(root, 'd/'.repeat(40));
  mkdirSync(scene, { recursive: true });
  let compared = 0;
  const name = fc.constantFrom('a', 'b', 'c', '\xff', '..', '.', '');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `./${names.join('/')}`);
  const entry = fc.record({ link: fc.boolean(), name: path, target: path });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), path, (entries, wanted) => {
      const place = mkdtempSync(join(scene, 'x-'));
      for (const { link, name: entryName, target } of entries) {
        try {
          if (link) symlinkSync(bytes(target), bytes(`${place}/${entryName}`));
          else mkdirSync(bytes(`${place}/${entryName}`));
        } catch {
          continue; // whatever tree comes out will do
        }
      }
      const resolved = attempt(() => resolve(wanted, place));
      const opened = attempt(() => openAndName(bytes(`${place}/${wanted}`)));
      if (opened === undefined) return;
      assert.equal(resolved, opened);
      compared += 1;
    }),
    { numRuns: 1000 },
  );
  assert.ok(compared > 100, `${compared} were comparable`);
});

void test('parseUnixSocket() tells abstract names from paths', () => {
  assert.deepEqual(parseUnixSocket(bytes('@a/b\xff')), { kind: 'abstract', name: bytes('a/b\xff') });
  assert.deepEqual(parseUnixSocket(bytes('link/s'), bytes(root)), {
    kind: 'path',
    path: bytes(`${root}/dir/s`),
  });
  assert.deepEqual(parseUnixSocket(bytes('./@a'), bytes(root)), { kind: 'path', path: bytes(`${root}/@a`) });
  for (const word of ['', '@', '@a\0', `@${'x'.repeat(108)}`])
    assert.throws(() => parseUnixSocket(bytes(word)), ValueError);
});

void test('splitPath() separates a path from its last name', () => {
  const rows: [string, string, string][] = [
    ['/a/b', '/a', 'b'],
    ['/a', '/', 'a'],
    ['/a//', '/', 'a'],
    ['/a/b/', '/a', 'b'],
  ];
  for (const [path, parent, name] of rows) {
    assert.deepEqual(splitPath(bytes(path)), { parent: bytes(parent), name: bytes(name) }, path);
  }
});

function openAndName(path: Buffer): string {
  const fd = openSync(path, 'a');
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' });
  } finally {
    closeSync(fd);
  }
}

function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
