import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PathSet, type Backing, type WritablePath } from './path-set.ts';

const DIRECTORY: Backing = { kind: 'directory' };
const NONE: Backing = { kind: 'none' };

function setOf(...paths: [string, Backing][]): PathSet {
  return new PathSet(paths.map(([path, backing]): WritablePath => ({ path: Buffer.from(path), backing })));
}

function where(set: PathSet, path: string | Buffer): string {
  const location = set.locate(Buffer.from(path));
  return location.kind === 'below' ? `below ${location.backed ? 'backed' : 'unbacked'}` : location.kind;
}

describe('PathSet.locate()', () => {
  const set = setOf(
    ['/tmp/a', DIRECTORY],
    ['/srv/new', NONE],
    ['/dev/null', { kind: 'file', device: 1n, inode: 2n }],
  );
  const cases: [string, string][] = [
    ['/tmp/a', 'at'],
    ['/tmp/a/b', 'below backed'],
    ['/tmp/a/b/c/d', 'below backed'],
    ['/tmp/ab', 'outside'],
    ['/tmp', 'outside'],
    ['/', 'outside'],
    ['/tmp/A', 'outside'],
    ['/srv/new', 'at'],
    ['/srv/new/x', 'below unbacked'],
    ['/srv/newer', 'outside'],
    ['/dev/null', 'at'],
    ['/dev/null/x', 'outside'],
    ['/dev/nullx', 'outside'],
    ['pipe:[1]', 'outside'],
  ];
  for (const [path, expected] of cases) {
    test(`${path} is ${expected}`, () => assert.equal(where(set, path), expected));
  }

  test('compares bytes, not text: 0xff is not U+FFFD', () => {
    const replacement = setOf(['/tmp/\uFFFD', DIRECTORY]);
    assert.equal(where(replacement, Buffer.from('/tmp/\uFFFD/x')), 'below backed');
    assert.equal(
      where(replacement, Buffer.from([0x2f, 0x74, 0x6d, 0x70, 0x2f, 0xff, 0x2f, 0x78])),
      'outside',
    );
  });

  test('an allowed path inside a backed one is backed too', () => {
    assert.equal(where(setOf(['/a', DIRECTORY], ['/a/b', NONE]), '/a/b'), 'below backed');
    assert.equal(where(setOf(['/a', NONE], ['/a/b', DIRECTORY]), '/a/b/c'), 'below backed');
    assert.equal(where(setOf(['/a', NONE], ['/a/b', DIRECTORY]), '/a/c'), 'below unbacked');
  });

  test('the root holds everything but the interfaces of the kernel', () => {
    const root = setOf(['/', NONE]);
    assert.equal(where(root, '/etc/passwd'), 'below unbacked');
    assert.equal(where(root, '/'), 'at');
    for (const path of ['/proc', '/proc/self/mem', '/sys', '/sys/power/state']) {
      assert.equal(where(root, path), 'outside', path);
    }
    assert.equal(where(root, '/process'), 'below unbacked');
    assert.equal(where(setOf(['/proc/sys', NONE]), '/proc/sys/kernel'), 'below unbacked');
  });

  test('agrees with a comparison component by component', () => {
    const component = fc.constantFrom('a', 'b', 'ab', 'A', '\xff', ' ');
    const path = fc.array(component, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(fc.array(path, { maxLength: 6 }), path, (allowed, asked) => {
        const own = setOf(...allowed.map((each): [string, Backing] => [each, DIRECTORY]));
        assert.equal(
          where(own, asked) !== 'outside',
          allowed.some((each) => holds(each, asked)),
        );
      }),
    );
  });
});

/** The slow and obvious way. */
function holds(directory: string, path: string): boolean {
  const outer = directory.split('/').filter((part) => part !== '');
  const inner = path.split('/').filter((part) => part !== '');
  return outer.length <= inner.length && outer.every((part, index) => part === inner[index]);
}

describe('PathSet.forgetBacking()', () => {
  test('makes a removed path, and allowed paths below it, the supervisor’s to perform', () => {
    const set = setOf(['/w', DIRECTORY], ['/w2', DIRECTORY]);
    set.forgetBacking(Buffer.from('/w'));
    assert.equal(where(set, '/w/x'), 'below unbacked');
    assert.equal(where(set, '/w2/x'), 'below backed');
  });
});

void test('as many paths as a directory has entries, which may be any number', () => {
  const paths = Array.from({ length: 200_000 }, (_, index): [string, Backing] => [`/d/${index}`, DIRECTORY]);
  const all = new PathSet(paths.map(([path, backing]) => ({ path: Buffer.from(path), backing })));
  assert.equal(where(all, '/d/199999/x'), 'below backed');
});
