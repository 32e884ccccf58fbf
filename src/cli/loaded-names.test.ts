import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedNames } from './loaded-names.ts';

const LIBRARIES = [Buffer.from('/lib/x86_64-linux-gnu/libc.so.6')];

function named(environment: Record<string, string>): {
  files: string[];
  folders: [string, boolean][];
  packages: readonly string[];
} {
  const { files, folders, packages } = loadedNames(environment, LIBRARIES);
  return {
    files: files.map(String),
    folders: folders.map(({ folder, names }) => [String(folder), names.includes('libc.so.6')]),
    packages,
  };
}

function withExtensions(...paths: string[]): string[] {
  return paths.flatMap((path) => ['', '.js', '.json', '.node'].map((extension) => path + extension));
}

void test('what Node is made to require is a file or a package, wherever it stands in a word', () => {
  const { files, packages } = named({
    NODE_OPTIONS:
      '--require=./pnp.cjs -r /x/y.js --import ./z --no-warnings -r tsx --import=@s/p/register --loader a/b',
  });
  assert.deepEqual(files, withExtensions('./pnp.cjs', '/x/y.js', './z'));
  assert.deepEqual(packages, ['tsx', '@s/p', 'a']);
});

void test('a module is named by its URL as well, and in quotes, and some paths without a slash', () => {
  const { files } = named({
    NODE_OPTIONS: String.raw`--import=file:///w/x%20y.mjs --require "/a b/c \"d.cjs" --openssl-config=my.cnf --icu-data-dir "i d"`,
  });
  assert.deepEqual(files, ['/w/x y.mjs', ...withExtensions('/a b/c "d.cjs'), 'my.cnf', 'i d']);
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
    loadedNames({ LD_PRELOAD: 'libx.so', LD_LIBRARY_PATH: 'l' }, []).folders[0]?.names.includes('libx.so'),
  );
});

void test('nothing where nothing is set', () =>
  assert.deepEqual(named({}), { files: [], folders: [], packages: [] }));
