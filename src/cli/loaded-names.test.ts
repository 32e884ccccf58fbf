import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedNames } from './loaded-names.ts';

const LIBRARIES = [Buffer.from('/lib/x86_64-linux-gnu/libc.so.6')];

function named(environment: Record<string, string>): {
  files: string[];
  folders: [string, boolean][];
  packages: readonly string[];
  searching: readonly string[];
} {
  const { files, folders, packages, searching } = loadedNames(environment, LIBRARIES, '/here');
  return {
    files: files.map(String),
    folders: folders.map(({ folder, names }) => [String(folder), names.includes('libc.so.6')]),
    packages,
    searching,
  };
}

function withExtensions(...paths: string[]): string[] {
  return paths.flatMap((path) => ['', '.js', '.json', '.node'].map((extension) => path + extension));
}

void test('what Node is made to require is a file or a package, wherever it stands in a word', () => {
  const { files, packages, searching } = named({
    NODE_OPTIONS:
      '--require=./pnp.cjs -r /x/y.js --import ./z --no-warnings -r tsx --import=@s/p/register --loader a/b',
  });
  assert.deepEqual(files, withExtensions('./pnp.cjs', '/x/y.js', '/here/z'));
  assert.deepEqual(packages, withExtensions('tsx', '@s/p', 'a'));
  assert.deepEqual(searching, ['-r tsx', '--import=@s/p/register', '--loader a/b']);
});

void test('a module is named by its URL as well, and in quotes, and some paths without a slash', () => {
  const { files } = named({
    NODE_OPTIONS: String.raw`--import=file:///w/x%20y.mjs --require "/a b/c \"d.cjs" --openssl-config=my.cnf --icu-data-dir "i d"`,
  });
  assert.deepEqual(files, [...withExtensions('/w/x y.mjs', '/a b/c "d.cjs'), 'my.cnf', 'i d']);
});

void test('an option is the same with low lines, what import is given is an URL, and every value may be a file', () => {
  const { files, searching } = named({
    NODE_OPTIONS:
      '--experimental_loader=./l.mjs --import=./my%20hook.mjs?x#y --import=#h --snapshot-blob=s.blob --experimental-policy p.json --preserve_symlinks_main',
  });
  assert.deepEqual(files, [...withExtensions('/here/l.mjs', '/here/my hook.mjs'), 's.blob', 'p.json']);
  assert.deepEqual(searching, ['--import=#h', '--preserve_symlinks_main']);
});

void test('a library is looked for by its name without the last numbers, and wherever a token may lead', () => {
  const [first] = loadedNames(
    { LD_LIBRARY_PATH: 'l' },
    [Buffer.from('/usr/lib/libstdc++.so.6.0.30')],
    '/here',
  ).folders;
  for (const name of ['libstdc++.so.6.0.30', 'libstdc++.so.6', 'libgcc_s.so.1', 'libnss_dns.so.2'])
    assert.ok(first?.names.includes(name), name);
  assert.deepEqual(named({ LD_LIBRARY_PATH: '/q/a/$LIB:/q/b$ORIGIN/c:${PLATFORM}' }).files, [
    '/q/a/',
    '/q/',
    '.',
  ]);
});

void test('what OpenSSL and the linker are made to load', () => {
  const { files, folders } = named({
    OPENSSL_CONF: '/a b/o.cnf',
    OPENSSL_MODULES: 'm',
    LD_PRELOAD: 'libx.so ./y.so:/z.so',
    LD_LIBRARY_PATH: 'lib:/opt/lib;',
    NODE_PATH: '/modules',
  });
  assert.deepEqual(files, ['/a b/o.cnf', 'm', './y.so', '/z.so']);
  assert.deepEqual(folders, [
    ['/modules', false],
    ['lib', true],
    ['/opt/lib', true],
    ['.', true],
  ]);
  assert.ok(
    loadedNames({ LD_PRELOAD: 'libx.so', LD_LIBRARY_PATH: 'l' }, [], '/here').folders[0]?.names.includes(
      'libx.so',
    ),
  );
});

void test('nothing where nothing is set', () =>
  assert.deepEqual(named({}), { files: [], folders: [], packages: [], searching: [] }));
