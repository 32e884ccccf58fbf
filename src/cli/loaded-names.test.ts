import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedNames } from './loaded-names.ts';

const LIBRARIES = [Buffer.from('/lib/x86_64-linux-gnu/libc.so.6')];

function named(environment: Record<string, string>): { files: string[]; folders: [string, boolean][] } {
  const { files, folders } = loadedNames(environment, LIBRARIES);
  return {
    files: files.map(String),
    folders: folders.map(({ folder, names }) => [String(folder), names.includes('libc.so.6')]),
  };
}

void test('what Node is made to require is a file, wherever it stands in a word', () => {
  const { files } = named({
    NODE_OPTIONS: '--require=./pnp.cjs -r /x/y.js --import ./z.mjs --no-warnings -r tsx',
  });
  assert.deepEqual(files, ['./pnp.cjs', '/x/y.js', './z.mjs']);
});

void test('a module is named by its URL as well, and in quotes', () => {
  const { files } = named({
    NODE_OPTIONS: String.raw`--import=file:///w/x%20y.mjs --require "/a b/c \"d.cjs" --import="./e f.mjs"`,
  });
  assert.deepEqual(files, ['/w/x y.mjs', '/a b/c "d.cjs', './e f.mjs']);
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
  ]);
});

void test('nothing where nothing is set', () => assert.deepEqual(named({}), { files: [], folders: [] }));
