import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collapse } from './collapse.ts';

function collapsed(paths: readonly string[], tooWide: readonly string[] = []): string[] {
  const items = paths.map((path) => ({ path: Buffer.from(path) }));
  const { directories, rest } = collapse(items, (path) => tooWide.includes(path.toString()));
  return [
    ...directories.map(({ path, items: inside }) => `${path.toString()} ${inside.length}`),
    ...rest.map(({ path }) => path.toString()),
  ];
}

void test('collapse() names the deepest directory that holds four or more', () => {
  assert.deepEqual(collapsed(files('/a/b', 3)), files('/a/b', 3));
  assert.deepEqual(collapsed(files('/a/b', 4)), ['/a/b 4']);
  assert.deepEqual(collapsed([...files('/a/b/c', 4), '/a/b/x', '/d']), ['/a/b/c 4', '/a/b/x', '/d']);
  assert.deepEqual(collapsed([...files('/a/b/c', 2), ...files('/a/b/d', 2)]), ['/a/b 4']);
  assert.deepEqual(collapsed([...files('/a/b', 4), ...files('/a/bc', 4)]).toSorted(), ['/a/b 4', '/a/bc 4']);
  assert.deepEqual(collapsed([...files('/a/b', 4), ...files('/a', 4)]), ['/a/b 4', ...files('/a', 4)]);
});

void test('collapse() names no directory that is too wide', () => {
  const paths = ['/home/ann/a', '/home/ann/b', '/home/ann/c', '/home/ann/d'];
  assert.deepEqual(collapsed(paths, ['/home/ann']), paths);
  assert.deepEqual(collapsed(['/a/1', '/a/2', '/a/3', '/a/4']), ['/a/1', '/a/2', '/a/3', '/a/4']);
  assert.deepEqual(collapsed(['/tmp/1', '/tmp/2', '/tmp/3', '/tmp/4']), ['/tmp 4']);
  assert.deepEqual(collapsed(['/1', '/2', '/3', '/4']), ['/1', '/2', '/3', '/4']);
});

function files(directory: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${directory}/${i}`);
}
