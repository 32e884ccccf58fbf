import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNetwork } from '../../policy/address-text.ts';
import { OWN_SOCKET } from '../../judge/unix-sockets.ts';
import type { NewEntry, Outcome, ReferralEvent, ReportedObject } from '../event.ts';
import { connectTo, refusal, writeOf } from '../sample-events.ts';
import { Lessons } from './lessons.ts';
import { networksOf, placesOf, portsText } from './places.ts';

function learned(...paths: string[]): string[] {
  const items = paths.map((path) => ({ path: Buffer.from(path), count: 1 }));
  return placesOf(items, [Buffer.from('/home/ann'), Buffer.from('/var/lib/jenkins')]).map(
    ({ path, count, warning, openedBy }) =>
      [
        path.toString(),
        count,
        ...(warning === undefined ? [] : [warning]),
        ...(openedBy === undefined ? [] : [`(in ${openedBy.toString()})`]),
      ].join(' '),
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

function below(directory: string): string[] {
  return ['1', '2', '3', '4'].map((name) => `${directory}/${name}/x`);
}

void test('S09 placesOf() takes no directory for many paths that holds a home or anything sensitive that was seen', () => {
  assert.deepEqual(
    learned(...below('/var/lib')),
    below('/var/lib').map((path) => `${path} 1`),
  );
  assert.deepEqual(learned(...below('/srv/p')), ['/srv/p 4']);
  assert.deepEqual(
    learned(...below('/srv/p'), '/srv/p/.git/hooks/h'),
    ['/srv/p/.git/hooks/h 1 runs commands', ...below('/srv/p').map((path) => `${path} 1`)].toSorted(),
  );
});

void test('S09 placesOf() keeps a warning of what a wider place opens anyway', () => {
  assert.deepEqual(learned('/srv/p', '/srv/p/.git/hooks/h'), [
    '/srv/p 1',
    '/srv/p/.git/hooks/h 1 runs commands (in /srv/p)',
  ]);
});

void test('S09 a home that was changed itself, or what is above it, is no ordinary place', () => {
  assert.deepEqual(learned('/home/ann', '/var/lib', '/'), [
    '/ 1 everything',
    '/home/ann 1 a home directory',
    '/var/lib 1 holds a home directory',
  ]);
});

void test('S09 networksOf() takes no mask over credentials, and many addresses take no time to speak of', () => {
  const four = [1, 2, 3, 4].map((last) => Uint8Array.of(169, 254, 169, last));
  assert.equal(networksOf(four).length, 4);
  const many = Array.from({ length: 20_000 }, (_, i) => Uint8Array.of(10, i >> 8, i & 255, 1));
  assert.equal(networksOf(many).length, 20_000);
});

const HOMES = [Buffer.from('/home/ann')];

/** What lessons hears of a call: its events, and how it ended. */
function tell(lessons: Lessons, outcome: Outcome, ...events: ReferralEvent[]): void {
  lessons.begin(7);
  for (const event of events) lessons.report({ ...event, verdict: 'allowed', errno: 0, tid: 7 });
  lessons.end(7, outcome);
}

function creationOf(path: string, entry?: NewEntry): ReferralEvent {
  return refusal('create', { kind: 'path', path: Buffer.from(path), ...(entry && { entry }) });
}

function abstract(name: string): ReportedObject {
  return { kind: 'unix-abstract', name: Buffer.from(name) };
}

void test('Lessons takes the directory of what is made, unless that holds protected places', () => {
  const lessons = new Lessons(HOMES);
  for (const path of ['/srv/a/new', '/home/ann/new', '/srv/p/.git/config', '/srv/p/.git/new'])
    tell(lessons, 'done', { ...writeOf(path), operation: 'create' });
  tell(lessons, 'done', writeOf('/srv/b'));
  tell(lessons, 'done', connectTo([192, 0, 2, 1], 443));
  lessons.report(writeOf('/srv/refused'));
  assert.deepEqual(
    lessons.paths.map(({ path }) => path.toString()),
    ['/srv/a', '/home/ann/new', '/srv/p/.git/config', '/srv/p/.git/new', '/srv/b'],
  );
  assert.equal(lessons.endpoints[0]?.port, 443);
  assert.equal(lessons.refused, 1);
});

void test('S09 Lessons takes the home for a name in it that was made up, for what lies below that, and for a link', () => {
  const lessons = new Lessons(HOMES);
  for (const path of ['tmp.k3Xw9aPq0z', 'tmp.k3Xw9aPq0z/x', 'known'])
    tell(lessons, 'done', creationOf(`/home/ann/${path}`));
  tell(lessons, 'done', writeOf('/home/ann/tmp.k3Xw9aPq0z/x'), creationOf('/home/ann/l', 'link'));
  for (const path of ['pipe:[7]', '/memfd:x (deleted)', '(unreachable)/x'])
    tell(lessons, 'done', writeOf(path));
  assert.deepEqual(
    lessons.paths.map(({ path, count }) => [path.toString(), count]),
    [
      ['/home/ann', 4],
      ['/home/ann/known', 1],
    ],
  );
});

void test('Lessons names no socket that was bound inside, and counts those that no option opens', () => {
  const lessons = new Lessons(HOMES);
  tell(lessons, 'done', refusal('connect', abstract('ours'), { rule: OWN_SOCKET }));
  tell(lessons, 'done', refusal('connect', abstract('theirs'), { rule: 'allowed destination' }));
  tell(lessons, 'done', refusal('send', { kind: 'none' }), refusal('other', { kind: 'none' }));
  assert.deepEqual(
    lessons.sockets.map((socket) => socket.name.toString()),
    ['theirs'],
  );
  assert.equal(lessons.otherFamilies, 1);
});

void test('S09 Lessons takes what succeeded, and marks what nobody saw', () => {
  const lessons = new Lessons(HOMES);
  tell(lessons, 'failed', writeOf('/srv/failed'), connectTo([192, 0, 2, 1], 1));
  tell(lessons, 'last-failed', connectTo([192, 0, 2, 1], 2), connectTo([192, 0, 2, 1], 3));
  tell(lessons, 'unknown', writeOf('/srv/unseen'));
  // Killed while it waited: its number has another call by now.
  lessons.begin(7);
  lessons.report({ ...writeOf('/srv/killed'), verdict: 'allowed', errno: 0, tid: 7 });
  tell(lessons, 'done', writeOf('/srv/done'));
  // Its own error number counts too.
  lessons.begin(7);
  lessons.report({ ...writeOf('/srv/error'), verdict: 'allowed', errno: 13, tid: 7 });
  lessons.end(7, 'done');
  assert.deepEqual(
    lessons.paths.map(({ path, isUncertain }) => [path.toString(), isUncertain]),
    [
      ['/srv/unseen', true],
      ['/srv/done', false],
    ],
  );
  assert.deepEqual(
    lessons.endpoints.map(({ port }) => port),
    [2],
  );
  assert.match(
    placesOf(lessons.paths, HOMES).find(({ path }) => path.includes('unseen'))?.warning ?? '',
    /saw/,
  );
});

void test('S09 Lessons does not grow without end, and says what it left out', () => {
  const lessons = new Lessons(HOMES);
  for (let i = 0; i < 3000; i += 1) tell(lessons, 'done', writeOf(`/srv/${i}/${'x'.repeat(4000)}`));
  tell(lessons, 'done', writeOf('/a'.repeat(2000)));
  assert.ok(lessons.paths.length < 1100);
  assert.equal(lessons.paths.length + lessons.lost, 3001);
});
