import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNetwork } from '../../policy/address-text.ts';
import { connectTo, writeOf } from '../sample-events.ts';
import { Lessons } from './lessons.ts';
import { networksOf, placesOf, portsText } from './places.ts';

function learned(...paths: string[]): string[] {
  const items = paths.map((path) => ({ path: Buffer.from(path), count: 1 }));
  return placesOf(items, '/home/ann').map(({ path, count, warning }) =>
    [path.toString(), count, ...(warning === undefined ? [] : [warning])].join(' '),
  );
}

void test('placesOf() names the outermost paths, with the counts of those inside', () => {
  assert.deepEqual(learned('/srv/a', '/srv/a/b', '/srv/ab'), ['/srv/a 2', '/srv/ab 1']);
  assert.deepEqual(learned('/srv/a/1', '/srv/a/2', '/srv/a/3', '/srv/a/4'), ['/srv/a 4']);
});

void test('placesOf() keeps protected places apart and warns of them', () => {
  assert.deepEqual(learned('/home/ann/.ssh/key', '/home/ann/work/a', '/etc/hosts'), [
    '/etc/hosts 1 system settings',
    '/home/ann/.ssh/key 1 keys',
    '/home/ann/work/a 1',
  ]);
});

void test('networksOf() takes a mask where many addresses share it', () => {
  const four = [1, 2, 3, 4].map((last) => Uint8Array.of(192, 0, 2, last));
  assert.deepEqual(networksOf(four).map(formatNetwork), ['192.0.2.0/24']);
  assert.deepEqual(networksOf(four.slice(1)).map(formatNetwork), ['192.0.2.2', '192.0.2.3', '192.0.2.4']);
});

void test('portsText() makes ranges of three and more', () => {
  assert.deepEqual(portsText([443, 80, 8000, 8001, 8002, 80, 444]), ['80', '443', '444', '8000-8002']);
});

void test('Lessons takes the directory of what is made, unless that holds protected places', () => {
  const lessons = new Lessons('/home/ann', () => false);
  for (const path of ['/srv/a/new', '/home/ann/new']) {
    lessons.report({ ...writeOf(path), verdict: 'allowed', errno: 0, operation: 'create' });
  }
  lessons.report({ ...writeOf('/srv/b'), verdict: 'allowed', errno: 0 });
  lessons.report({ ...connectTo([192, 0, 2, 1], 443), verdict: 'allowed', errno: 0 });
  lessons.report(writeOf('/srv/refused'));
  assert.deepEqual(
    lessons.paths.map(({ path }) => path.toString()),
    ['/srv/a', '/home/ann/new', '/srv/b'],
  );
  assert.equal(lessons.endpoints[0]?.port, 443);
  assert.equal(lessons.refused, 1);
});
